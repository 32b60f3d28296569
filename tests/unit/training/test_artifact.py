"""Models on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recomart.errors import ModelDamaged
from training.artifact import ARRAYS, RECORD, Artifact, load, save
from training.interactions import Index, Interactions
from training.kinds.popularity import Popularity, fit_popularity
from training.kinds.ranker import BASE_FEATURES, TREES_FILE, Ranker, fit_ranker
from training.kinds.svd import SVD, fit_svd


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    random = np.random.default_rng(1)
    known = Interactions(
        random.integers(0, 6, 40),
        random.integers(0, 8, 40),
        random.integers(1, 6, 40).astype(float),
        np.full(40, np.datetime64("2026-01-01", "us")),
    )
    svd = fit_svd(known, users=6, products=8, scale=(1.0, 5.0), seed=7, epochs=2)
    now = np.datetime64("2026-01-02", "us")
    popularity = fit_popularity(known, now=now, products=8, scale=(1.0, 5.0), relevant=4)
    rows = random.normal(size=(400, 3))
    hits = (rows[:, 0] + random.normal(size=400) > 1).astype(np.int64)
    text = fit_ranker(rows, hits, np.full(20, 20), BASE_FEATURES, seed=7)
    ranker = Ranker(text, BASE_FEATURES, svd, popularity)
    return Artifact(
        "ranker", Index("uvwxyz"), Index("abcdefgh"), ranker, popularity, {"shop": "test"}
    )


def test_what_is_saved_is_loaded_to_the_bit(artifact: Artifact, tmp_path: Path) -> None:
    loaded = load(tmp_path, sha256=save(artifact, tmp_path))
    assert isinstance(loaded.model, Ranker)
    assert isinstance(artifact.model, Ranker)
    everyone = np.arange(-1, 6)
    np.testing.assert_array_equal(
        loaded.model.svd.scores(everyone), artifact.model.svd.scores(everyone)
    )
    np.testing.assert_array_equal(loaded.popularity.popularity, artifact.popularity.popularity)
    assert (loaded.model.text, loaded.model.features) == (artifact.model.text, BASE_FEATURES)
    assert loaded.users.ids.tolist() == list("uvwxyz")
    assert loaded.facts == {"shop": "test"}


def test_equal_models_give_equal_hashes(artifact: Artifact, tmp_path: Path) -> None:
    assert save(artifact, tmp_path / "one") == save(artifact, tmp_path / "two")


@pytest.mark.parametrize("kind", ["popularity", "svd"])
def test_each_kind_comes_back_as_its_own(artifact: Artifact, tmp_path: Path, kind: str) -> None:
    assert isinstance(artifact.model, Ranker)
    model = artifact.popularity if kind == "popularity" else artifact.model.svd
    own = Artifact(kind, artifact.users, artifact.products, model, artifact.popularity)
    save(own, tmp_path)
    assert isinstance(load(tmp_path).model, Popularity if kind == "popularity" else SVD)


@pytest.mark.parametrize("name", [RECORD, ARRAYS, TREES_FILE])
def test_a_changed_file_is_noticed(artifact: Artifact, tmp_path: Path, name: str) -> None:
    sha256 = save(artifact, tmp_path)
    damaged = bytearray((tmp_path / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / name).write_bytes(damaged)
    with pytest.raises(ModelDamaged, match=name):
        load(tmp_path, sha256=sha256)


def test_a_missing_file_is_noticed(artifact: Artifact, tmp_path: Path) -> None:
    sha256 = save(artifact, tmp_path)
    (tmp_path / ARRAYS).unlink()
    with pytest.raises(ModelDamaged, match="no such file"):
        load(tmp_path, sha256=sha256)


def test_equal_rows_and_seed_give_equal_trees() -> None:
    random = np.random.default_rng(2)
    rows, hits = random.normal(size=(600, 3)), (random.random(600) < 0.2).astype(np.int64)
    groups = np.full(30, 20)
    first = fit_ranker(rows, hits, groups, BASE_FEATURES, seed=3)
    assert first == fit_ranker(rows, hits, groups, BASE_FEATURES, seed=3)
    assert first != fit_ranker(rows, hits, groups, BASE_FEATURES, seed=4)
