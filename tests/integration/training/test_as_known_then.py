"""Training after a row was corrected: as known now, and as it was known then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from feature_store.publish.publisher import apply_definitions
from feature_store.publish.snapshot_writer import take_snapshot
from feature_store.registered_models import ModelVersion, model_versions
from feature_store.snapshots import current_snapshot
from feature_store.stores import open_store
from recomart import processes
from recomart.settings import Settings
from recomart.warehouse import warehouse
from training import registry
from training.history import features_of_rows
from training.labels import load_shop_data
from training.split import holdout, split_by_time
from training.training_set import entity_rows, sample_candidates

CORRECTED = "user_views_30d"
BY = 1_000


@dataclass(frozen=True)
class Corrected:
    """The demo lake with one row of one user corrected by a later publish.

    Args:
        rows: what the ranker asks features for; as the lake's own training draws them.
        touched: (rows,) which of them have the corrected row at their cut.
    """

    settings: Settings
    rows: pd.DataFrame
    touched: np.ndarray


def ranker_rows(settings: Settings) -> pd.DataFrame:
    data = load_shop_data(current_snapshot(settings).folder)
    windows = split_by_time(data.labels.times, data.rules.as_of).windows
    holdouts = [holdout(data, window, seed=settings.seed) for window in windows]
    candidates = sample_candidates(holdouts, seed=settings.seed)
    return entity_rows(data, candidates, [window.cut for window in windows])


@pytest.fixture(scope="module")
def corrected(demo_lake: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corrected]:
    lake = tmp_path_factory.mktemp("corrected") / "lake"
    left_out = shutil.ignore_patterns("mlflow.db", "mlartifacts", "redis", "run", "source_data")
    shutil.copytree(demo_lake.lake, lake, symlinks=True, ignore=left_out)
    settings = demo_lake.model_copy(update={"lake": lake})
    rows = ranker_rows(settings)
    # the user with the most lists: so that the corrected row ends before the user's last cut
    cuts = rows.groupby("user_id")["event_timestamp"].nunique()
    user = str(cuts.idxmax())
    first_cut = rows.loc[rows["user_id"] == user, "event_timestamp"].min()
    with warehouse(settings) as connection:
        (since,) = connection.execute(
            "select max(event_timestamp) from features.ftr_users "
            "where user_id = ? and event_timestamp <= ?",
            [user, first_cut],
        ).fetchall()[0]
        (until,) = connection.execute(
            "select min(event_timestamp) from features.ftr_users "
            "where user_id = ? and event_timestamp > ?",
            [user, since],
        ).fetchall()[0]
        connection.execute(
            f"update features.ftr_users set {CORRECTED} = {CORRECTED} + {BY} "
            "where user_id = ? and event_timestamp = ?",
            [user, since],
        )
    apply_definitions(settings, take_snapshot(settings))
    at = rows["event_timestamp"]
    touched = (rows["user_id"] == user) & (at >= since) & (at < until)
    assert 0 < touched.sum() < (rows["user_id"] == user).sum(), "other cuts have other rows"
    try:
        yield Corrected(settings, rows, touched.to_numpy())
    finally:
        processes.stop_all(settings)  # applying definitions starts a Redis


def test_the_rankers_features_differ_in_the_corrected_row_alone(
    demo_lake: Settings, corrected: Corrected
) -> None:
    def features(settings: Settings, *, then: bool) -> pd.DataFrame:
        store = open_store(settings, current_snapshot(settings), as_known_then=then)
        return features_of_rows(store, corrected.rows)

    before = features(demo_lake, then=False)
    now = features(corrected.settings, then=False)
    then = features(corrected.settings, then=True)

    pd.testing.assert_frame_equal(then, before)
    expected = before.assign(**{CORRECTED: before[CORRECTED] + np.where(corrected.touched, BY, 0)})
    pd.testing.assert_frame_equal(now, expected)


@pytest.mark.slow
def test_a_model_says_how_its_features_were_known_and_then_learns_what_was_learned_before(
    demo_lake: Settings, corrected: Corrected, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    from orchestration.cli import app

    for name, value in corrected.settings.environment().items():
        monkeypatch.setenv(name, value)
    for options in ([], ["--as-known-then"]):
        told = CliRunner().invoke(app, ["train", *options])
        assert told.exit_code == 0, told.output

    def rankers(settings: Settings) -> list[ModelVersion]:
        found = [v for v in model_versions(settings) if v.tags[registry.KIND] == "ranker"]
        return sorted(found, key=lambda version: int(version.version))

    now, then = rankers(corrected.settings)
    client = MlflowClient(corrected.settings.mlflow_uri)
    for version, known in ((now, "now"), (then, "then")):
        assert version.tags[registry.FEATURES_AS_KNOWN] == known
        assert client.get_run(version.run_id).data.tags[registry.FEATURES_AS_KNOWN] == known
    (before,) = rankers(demo_lake)
    assert then.tags[registry.TRAINING_HASH] == before.tags[registry.TRAINING_HASH]
    assert now.tags[registry.TRAINING_HASH] != before.tags[registry.TRAINING_HASH]
