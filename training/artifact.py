"""A model on disk: arrays, LightGBM's text and a JSON record, checked by sha256. No pickle.

    model.json    kind, users' and products' counts, scale, features, and the sha256 of the others
    arrays.npz    ids, popularity, biases, factors (allow_pickle=False)
    ranker.txt    the trees, for the kind `ranker`

The registry keeps the sha256 of model.json, so that a change anywhere is noticed at loading.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recomart.errors import ModelDamaged
from recomart.files import replace_text, sha256_of
from training.interactions import Index
from training.kinds.bias import Bias
from training.kinds.popularity import Popularity
from training.kinds.ranker import Ranker
from training.kinds.svd import SVD

RECORD, ARRAYS, TREES = "model.json", "arrays.npz", "ranker.txt"
VERSION = 1

Fitted = Popularity | Bias | SVD | Ranker


@dataclass(frozen=True)
class Artifact:
    """A fitted model with what is needed to use it.

    Args:
        kind: one of KINDS.
        users, products: the indexes of its arrays.
        model: of that kind.
        popularity: for users that it does not know.
        facts: the shop, as_of, seed, hashes of what it was fitted on.
    """

    kind: str
    users: Index
    products: Index
    model: Fitted
    popularity: Popularity
    facts: dict[str, str] = field(default_factory=dict)


def save(artifact: Artifact, folder: Path) -> str:
    """Write the artifact's files into `folder`; returns the sha256 of its record."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Any] = {"popularity": artifact.popularity}
    model = artifact.model
    record: dict[str, Any] = {
        "version": VERSION,
        "kind": artifact.kind,
        "scale": list(artifact.popularity.scale),
        "facts": artifact.facts,
    }
    files = [ARRAYS]
    if isinstance(model, Ranker):
        parts["svd"] = model.svd
        record["features"] = list(model.features)
        replace_text(folder / TREES, model.text)
        files.append(TREES)
    elif not isinstance(model, Popularity):
        parts[artifact.kind] = model
    arrays = {"users": artifact.users.ids, "products": artifact.products.ids}
    for name, part in parts.items():
        values = {k: v for k, v in asdict(part).items() if k != "scale"}
        arrays |= {f"{name}.{key}": np.asarray(value) for key, value in values.items()}
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
    record["sha256"] = {name: sha256_of(folder / name) for name in files}
    replace_text(folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return sha256_of(folder / RECORD)


def load(folder: Path, *, sha256: str | None = None) -> Artifact:
    """Read an artifact.

    Args:
        sha256: what the registry says of the record; None when there is no registry to ask.

    Raises:
        ModelDamaged: a file is missing, or differs from what was registered.
    """
    _check(folder / RECORD, sha256)
    record = json.loads((folder / RECORD).read_text())
    for name, expected in record["sha256"].items():
        _check(folder / name, expected)
    low, high = record["scale"]
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in arrays.files}

    def part(name: str) -> dict[str, Any]:
        own = {k.split(".", 1)[1]: v for k, v in values.items() if k.startswith(f"{name}.")}
        return {k: float(v) if v.ndim == 0 else v for k, v in own.items()} | {"scale": (low, high)}

    popularity = Popularity(**part("popularity"))
    model: Fitted = popularity
    if record["kind"] == "bias":
        model = Bias(**part("bias"))
    elif record["kind"] == "svd":
        model = SVD(**part("svd"))
    elif record["kind"] == "ranker":
        text = (folder / TREES).read_text(encoding="utf-8")
        model = Ranker(text, tuple(record["features"]), SVD(**part("svd")), popularity)
    return Artifact(
        kind=record["kind"],
        users=Index(values["users"]),
        products=Index(values["products"]),
        model=model,
        popularity=popularity,
        facts=record["facts"],
    )


def _check(path: Path, expected: str | None) -> None:
    if not path.is_file():
        found = "no such file"
    elif expected is None or (found := sha256_of(path)) == expected:
        return
    raise ModelDamaged(
        f"{path.name} is not the file that was registered",
        where=str(path),
        found=found,
        help="run 'recomart train' for a new model, or restore the file",
    )
