"""Models on disk."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from recomart.errors import ModelDamaged
from tests.unit.training.asking import question
from tests.unit.training.test_pools import noise_and_truth
from training.artifact import ARRAYS, RECORD, Artifact, load, save
from training.behaviour import Events
from training.interactions import Index, Interactions
from training.kinds._combined import Sources
from training.kinds.blend import Blend
from training.kinds.ease import fit_ease
from training.kinds.history import OwnHistory
from training.kinds.popularity import Popularity, fit_popularity
from training.kinds.ranker import SMALL, Ranker, fit_trees
from training.kinds.svd import fit_svd
from training.local_features import moment_of
from training.model import Model

SCALE = (1.0, 5.0)
NOW = np.datetime64("2026-03-02", "us")
TREES_FILE = "ranker-0.txt"


@pytest.fixture(scope="module")
def happened() -> Events:
    random = np.random.default_rng(1)
    times = np.full(40, np.datetime64("2026-03-01", "us"))
    return Events(random.integers(0, 6, 40), random.integers(0, 8, 40), np.ones(40), times)


@pytest.fixture(scope="module")
def models(happened: Events) -> dict[str, Model]:
    random = np.random.default_rng(1)
    labels = random.integers(1, 6, 40).astype(float)
    known = Interactions(happened.users, happened.products, labels, happened.times)
    ease = fit_ease(happened, users=6, products=8, scale=SCALE, regularisation=3.0)
    assert ease is not None
    found: dict[str, Model] = {
        "popularity": fit_popularity(known, happened, now=NOW, products=8, scale=SCALE, relevant=4),
        "svd": fit_svd(known, users=6, products=8, scale=SCALE, seed=7, epochs=2),
        "ease": ease,
        "history": OwnHistory(7.0, SCALE),
    }
    sources = Sources(
        {name: found[name] for name in ("popularity", "ease", "history")},
        moment_of(happened, np.arange(8) % 2, NOW),
    )
    texts = tuple(
        fit_trees((noise_and_truth(60),), {"objective": "binary", **SMALL}, seed=seed)
        for seed in (7, 8)
    )
    features = ("popularity_share", "ease_share", "user_size")
    found["ranker"] = Ranker(texts, features, sources, SCALE)
    found["blend"] = Blend(sources, np.array([[1.0, 0.5, 0.1]] * 3), SCALE)
    return found


def artifact_of(models: dict[str, Model], kind: str) -> Artifact:
    popularity = cast(Popularity, models["popularity"])
    facts = {"shop": "test"}
    return Artifact(kind, Index("uvwxyz"), Index("abcdefgh"), models[kind], popularity, facts)


@pytest.mark.parametrize("kind", ["popularity", "svd", "ease", "history", "ranker", "blend"])
def test_what_is_saved_is_loaded_to_the_bit(
    models: dict[str, Model], happened: Events, tmp_path: Path, kind: str
) -> None:
    artifact = artifact_of(models, kind)
    loaded = load(tmp_path, sha256=save(artifact, tmp_path))
    ask = question(happened, range(6), (6, 8), k=5, now=NOW)
    ours, theirs = artifact.model.rank(ask), loaded.model.rank(ask)
    np.testing.assert_array_equal(ours.products, theirs.products)
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    assert type(loaded.model) is type(artifact.model)
    assert loaded.users.ids.tolist() == list("uvwxyz")
    assert loaded.facts == {"shop": "test"}
    np.testing.assert_array_equal(loaded.popularity.popularity, artifact.popularity.popularity)


def test_equal_models_give_equal_hashes(models: dict[str, Model], tmp_path: Path) -> None:
    artifact = artifact_of(models, "ranker")
    assert save(artifact, tmp_path / "one") == save(artifact, tmp_path / "two")


@pytest.mark.parametrize("name", [RECORD, ARRAYS, TREES_FILE])
def test_a_changed_file_is_noticed(models: dict[str, Model], tmp_path: Path, name: str) -> None:
    sha256 = save(artifact_of(models, "ranker"), tmp_path)
    damaged = bytearray((tmp_path / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / name).write_bytes(damaged)
    with pytest.raises(ModelDamaged, match=name):
        load(tmp_path, sha256=sha256)


def test_a_missing_file_is_noticed(models: dict[str, Model], tmp_path: Path) -> None:
    sha256 = save(artifact_of(models, "ranker"), tmp_path)
    (tmp_path / ARRAYS).unlink()
    with pytest.raises(ModelDamaged, match="no such file"):
        load(tmp_path, sha256=sha256)
