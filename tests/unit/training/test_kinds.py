"""Kinds of model: found by name, added by one file, and readable from disk as they once were."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recomart.errors import ExtensionError, NotReady, UnknownName
from tests.unit.training.asking import events, question
from tests.unit.training.test_small_shops import shop
from training import kinds
from training.artifact import RECORD, Artifact, load, save
from training.behaviour import profiles_of
from training.champion import rank_kinds
from training.experiment import run_experiment
from training.kinds import KINDS, simplest_first
from training.kinds._listing import ScoringModel
from training.reasons import Place

TESTS = Path(__file__).parents[2]
ADDED = TESTS / "extending" / "pieces" / "model_kind.py"
OLD = TESTS / "data" / "before_the_move"
EXPECTED = json.loads((OLD / "expected.json").read_text())


@pytest.fixture
def more_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules are in the package `training.kinds` too."""
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    before = set(sys.modules)
    KINDS.__dict__.pop("_entries", None)
    yield tmp_path
    KINDS.__dict__.pop("_entries", None)
    for name in set(sys.modules) - before:
        if name.startswith("training.kinds."):
            del sys.modules[name]
            delattr(kinds, name.rpartition(".")[2])


def test_the_kinds_are_ordered_from_the_simplest_on() -> None:
    assert [kind.name for kind in simplest_first()] == [
        "popularity",
        "bias",
        "category",
        "history",
        "svd",
        "als",
        "ease",
        "neighbours",
        "together",
        "blend",
        "ranker",
    ]


def test_finding_the_kinds_imports_no_learning_library() -> None:
    code = (
        "import sys; from training.kinds import KINDS; KINDS.names(); "
        "print(sorted({'surprise', 'lightgbm', 'sklearn', 'mlflow', 'feast'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_kind_is_added_by_one_file(more_kinds: Path, tmp_path: Path) -> None:
    shutil.copyfile(ADDED, more_kinds / "newest_first.py")

    def no_store() -> None:
        raise AssertionError("there is nothing to ask the feature store for")

    data = shop(3)
    found = run_experiment(data, Path("nowhere"), no_store, seed=7)  # type: ignore[arg-type]

    assert [name for name in found.models if name in ("popularity", "newest_first", "svd")] == [
        "popularity",
        "newest_first",
        "svd",
    ]
    assert "newest_first" in found.validation
    assert rank_kinds({"newest_first": 0.5, "bias": 0.5, "svd": 0.6}) == (
        "svd",
        "bias",
        "newest_first",
    )
    popularity = found.models["popularity"]
    artifact = Artifact(
        "newest_first",
        data.users,
        data.products,
        found.models["newest_first"],
        popularity,  # type: ignore[arg-type]
    )
    loaded = load(tmp_path / "saved", sha256=save(artifact, tmp_path / "saved"))
    np.testing.assert_array_equal(loaded.model.last, artifact.model.last)  # type: ignore[attr-defined]
    shopper = loaded.shopper({}, 0, {}, profiles_of(data.events, np.array([0]), (6, 9)))
    assert loaded.model.reason(Place(0, 1.0), shopper) == "somebody chose it a moment ago"


def test_two_kinds_of_one_name_are_an_error_that_names_both_files(more_kinds: Path) -> None:
    (more_kinds / "again.py").write_text(ADDED.read_text().replace("newest_first", "popularity"))

    with pytest.raises(ExtensionError, match='register the kind of model "popularity"') as caught:
        KINDS.names()
    assert {Path(str(caught.value.where)).name, Path(str(caught.value.found)).name} == {
        "again.py",
        "popularity.py",
    }


def test_a_kind_without_a_method_is_an_error_that_names_it(more_kinds: Path) -> None:
    (more_kinds / "half.py").write_text(ADDED.read_text().replace("def restore", "def restored"))

    with pytest.raises(ExtensionError, match="it has no restore"):
        KINDS.names()


def test_loading_an_unknown_kind_names_those_that_are_registered(tmp_path: Path) -> None:
    shutil.copytree(OLD / "models" / "svd", tmp_path / "model")
    record = tmp_path / "model" / RECORD
    record.write_text(record.read_text().replace('"kind": "svd"', '"kind": "svd2"'))

    with pytest.raises(UnknownName, match='no kind of model "svd2"') as caught:
        load(tmp_path / "model")
    assert caught.value.found == "registered: " + ", ".join(sorted(KINDS.names()))
    assert 'did you mean "svd"?' in str(caught.value.help)
    assert caught.value.where == str(record)


@pytest.mark.parametrize("kind", ["popularity", "bias", "svd"])
def test_a_model_of_before_the_move_answers_as_then(kind: str, tmp_path: Path) -> None:
    users, products = np.array(EXPECTED["users"]), np.array(EXPECTED["products"])
    expected, sha256 = EXPECTED["answers"][kind], EXPECTED["sha256"][kind]

    artifact = load(OLD / "models" / kind, sha256=sha256)

    model = artifact.model
    predicted = model.ratings(users, products)
    assert predicted is not None
    assert predicted.tolist() == expected["ratings"]
    if isinstance(model, ScoringModel):
        shape = (len(artifact.users), len(artifact.products))
        assert model.scores(question(events(), users, shape)).tolist() == expected["scores"]
    else:
        assert model.popularity.tolist() == expected["scores"][0]  # type: ignore[attr-defined]
    # and what is saved today is what was saved then, to the byte
    assert save(artifact, tmp_path) == sha256


def test_a_ranker_of_before_it_had_sources_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(NotReady, match="older version") as caught:
        load(OLD / "models" / "ranker", sha256=EXPECTED["sha256"]["ranker"])
    assert "recomart train" in str(caught.value.help)
