"""Tuning on the demo shop: it stops in time, goes on where it stopped, and training uses it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from feature_store.snapshots import current_snapshot
from recomart.errors import UnknownName
from recomart.settings import Settings
from training.kinds import KINDS
from training.recipe import recipe_hash
from training.tune import tune
from training.tuned import best_parameters, read_tries


@pytest.fixture(scope="module")
def lake(demo_lake: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The published features of the demo shop, in a lake of its own."""
    folder = tmp_path_factory.mktemp("tuned") / "lake"
    shutil.copytree(demo_lake.features, folder / "features", symlinks=True)
    return demo_lake.model_copy(update={"lake": Path(folder)})


class Ticks:
    """A clock that goes on by a minute each time it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 60.0
        return self.now


def test_tuning_ends_in_time_and_goes_on_where_it_stopped(lake: Settings) -> None:
    before = recipe_hash(lake)
    first = tune(lake, minutes=3, kinds=["history"], clock=Ticks())
    assert first.tries == 2, "the third minute is past"
    made = read_tries(lake)
    second = tune(lake, minutes=100, kinds=["history"], clock=Ticks())
    every = [one for one in read_tries(lake) if one.kind == "history"]
    values = [one.parameters["half_life_days"] for one in every]
    assert len(values) == len(set(values)) == len(KINDS.get("history").space["half_life_days"])
    assert read_tries(lake)[: len(made)] == made
    assert second.after["history"] == max(one.ndcg or 0.0 for one in every)
    assert best_parameters(lake)["history"] in [one.parameters for one in every]
    assert recipe_hash(lake) != before, "training again gives something else now"
    assert {one.snapshot for one in every} == {current_snapshot(lake).hash}


def test_a_kind_that_does_not_exist_cannot_be_tuned(lake: Settings) -> None:
    with pytest.raises(UnknownName, match='no kind of model "eaze"'):
        tune(lake, minutes=1, kinds=["eaze"])
