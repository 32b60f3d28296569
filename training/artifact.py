"""A model on disk: arrays, texts and a JSON record, checked by sha256. No pickle.

    model.json    kind, scale, facts, what the kind adds, and the sha256 of the others
    arrays.npz    ids, popularity, biases, factors (allow_pickle=False)
    *.txt         texts of some kinds: ranker-0.txt holds the trees of `ranker`

The registry keeps the sha256 of model.json, so that a change anywhere is noticed at loading.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from recomart.errors import ModelDamaged, NotReady
from recomart.files import replace_text, sha256_of
from training.behaviour import Profiles
from training.interactions import UNKNOWN, Index
from training.kinds import KINDS
from training.kinds._stored import Stored
from training.kinds.popularity import Popularity
from training.model import Model
from training.reasons import Shopper

RECORD, ARRAYS = "model.json", "arrays.npz"
VERSION = 1
POPULARITY = "popularity"
"""The kind that every artifact holds, for users of whom the model knows nothing."""


@dataclass(frozen=True)
class Artifact:
    """A fitted model with what is needed to use it.

    Args:
        kind: the name of a registered kind.
        users, products: the indexes of its arrays.
        model: of that kind.
        popularity: for users of whom it knows nothing.
        facts: the shop, as_of, seed, hashes of what it was fitted on.
    """

    kind: str
    users: Index
    products: Index
    model: Model
    popularity: Popularity
    facts: dict[str, str] = field(default_factory=dict)

    def shopper(
        self,
        catalogue: Mapping[str, tuple[str, str]],
        user: int,
        likes: Mapping[str, float],
        profile: Profiles,
    ) -> Shopper:
        """A user as the model knows them, to explain a list to.

        Args:
            catalogue: title and category of each product that is listed.
            user: position, UNKNOWN for one that is not in the index.
            likes: what the user liked: product ids and labels.
            profile: what they did, as one row.
        """
        at = self.products.positions(likes)
        good = profile.weights > 0
        return Shopper(
            user=user,
            liked=at[at != UNKNOWN],
            labels=np.array(list(likes.values()))[at != UNKNOWN],
            own=profile.products[good],
            own_times=profile.times[good],
            rates=self.facts.get("label_kind") == "rating",
            products=self.products.ids,
            catalogue=catalogue,
            popularity=self.popularity,
        )


def save(artifact: Artifact, folder: Path) -> str:
    """Write the artifact's files into `folder`; returns the sha256 of its record."""
    folder.mkdir(parents=True, exist_ok=True)
    popularity = KINDS.get(POPULARITY).store(artifact.popularity)
    stored = KINDS.get(artifact.kind).store(artifact.model)
    indexes = {"users": artifact.users.ids, "products": artifact.products.ids}
    np.savez(
        folder / ARRAYS,
        allow_pickle=False,
        **cast(dict[str, Any], {**indexes, **popularity.arrays, **stored.arrays}),
    )
    for name, text in stored.texts.items():
        replace_text(folder / name, text)
    record = {
        **stored.record,
        "version": VERSION,
        "kind": artifact.kind,
        "scale": list(popularity.scale),
        "facts": artifact.facts,
        "sha256": {name: sha256_of(folder / name) for name in (ARRAYS, *stored.texts)},
    }
    replace_text(folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return sha256_of(folder / RECORD)


def load(folder: Path, *, sha256: str | None = None) -> Artifact:
    """Read an artifact.

    Args:
        sha256: what the registry says of the record; None when there is no registry to ask.

    Raises:
        ModelDamaged: a file is missing, or differs from what was registered.
        UnknownName: no kind of this name is registered.
    """
    _check(folder / RECORD, sha256)
    record = json.loads((folder / RECORD).read_text())
    for name, expected in record["sha256"].items():
        _check(folder / name, expected)
    kind = KINDS.get(record["kind"], where=str(folder / RECORD))
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        values: Mapping[str, np.ndarray] = {name: arrays[name] for name in arrays.files}
    low, high = record["scale"]
    texts = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in record["sha256"]
        if name != ARRAYS
    }
    stored = Stored((low, high), values, record, texts)
    if kind.role == "combiner" and "sources" not in record:
        raise NotReady(
            f"the model '{kind.name}' was trained by an older version, which knew no sources",
            where=str(folder),
            help="run 'recomart train' for a new one",
        )
    return Artifact(
        kind=kind.name,
        users=Index(values["users"]),
        products=Index(values["products"]),
        model=kind.restore(stored),
        popularity=cast(Popularity, KINDS.get(POPULARITY).restore(stored)),
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
