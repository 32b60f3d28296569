"""Training after a row was corrected: as known now, and as it was known then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from typer.testing import CliRunner

from feature_store.publish.publisher import apply_definitions
from feature_store.publish.snapshot_writer import take_snapshot
from feature_store.registered_models import ModelVersion, model_versions
from feature_store.snapshots import current_snapshot
from feature_store.stores import open_store
from recomart import processes
from recomart.settings import Settings
from recomart.step import no_progress
from recomart.warehouse import warehouse
from training import registry
from training.feature_tables import FeatureTables
from training.history import Ask, feature_tables
from training.kinds import KINDS
from training.labels import ShopData, load_shop_data
from training.model import Model
from training.protocols import Case
from training.protocols.time import PROTOCOL
from training.runner import Runner
from training.training_hash import training_hash

CORRECTED = "user_views_30d"
BY = 1_000


@dataclass(frozen=True)
class Corrected:
    """The demo lake with one row of one user corrected by a later publish.

    Args:
        user: whose row it is, as a position.
        since, until: the row is the newest one from then until then.
    """

    settings: Settings
    user: int
    since: np.datetime64
    until: np.datetime64


def cases_of(settings: Settings) -> tuple[ShopData, tuple[Case, ...]]:
    """What the lake's own training asks features for: the users of each case."""
    data = load_shop_data(current_snapshot(settings).folder)
    return data, PROTOCOL.cases(data, seed=settings.seed).all


def tables_of(settings: Settings, *, then: bool) -> list[FeatureTables]:
    """The features of each case, as training reads them."""
    data, cases = cases_of(settings)
    store = open_store(settings, current_snapshot(settings), as_known_then=then)
    asks = [Ask(case.now, case.holdout.users) for case in cases]
    return feature_tables(store, data, current_snapshot(settings).folder, asks)


@pytest.fixture(scope="module")
def corrected(demo_lake: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corrected]:
    lake = tmp_path_factory.mktemp("corrected") / "lake"
    left_out = shutil.ignore_patterns("mlflow.db", "mlartifacts", "redis", "run", "source_data")
    shutil.copytree(demo_lake.lake, lake, symlinks=True, ignore=left_out)
    settings = demo_lake.model_copy(update={"lake": lake})
    data, cases = cases_of(settings)
    # the user who is asked about most often: so that the corrected row ends before the last cut
    asked = np.concatenate([case.holdout.users for case in cases])
    user = int(np.bincount(asked).argmax())
    name = str(data.users.ids[user])
    first_cut = min(case.now for case in cases if user in case.holdout.users)
    with warehouse(settings) as connection:
        (since,) = connection.execute(
            "select max(event_timestamp) from features.ftr_users "
            "where user_id = ? and event_timestamp <= ?",
            [name, str(first_cut)],
        ).fetchall()[0]
        (until,) = connection.execute(
            "select min(event_timestamp) from features.ftr_users "
            "where user_id = ? and event_timestamp > ?",
            [name, since],
        ).fetchall()[0]
        connection.execute(
            f"update features.ftr_users set {CORRECTED} = {CORRECTED} + {BY} "
            "where user_id = ? and event_timestamp = ?",
            [name, since],
        )
    apply_definitions(settings, take_snapshot(settings))
    since, until = np.datetime64(since, "us"), np.datetime64(until, "us")
    touched = [since <= case.now < until for case in cases if user in case.holdout.users]
    assert any(touched), "a cut has the corrected row"
    assert not all(touched), "other cuts have other rows"
    try:
        yield Corrected(settings, user, since, until)
    finally:
        processes.stop_all(settings)  # applying definitions starts a Redis


def test_the_rankers_features_differ_in_the_corrected_row_alone(
    demo_lake: Settings, corrected: Corrected
) -> None:
    _, cases = cases_of(demo_lake)
    before = tables_of(demo_lake, then=False)
    now = tables_of(corrected.settings, then=False)
    then = tables_of(corrected.settings, then=True)
    touched = 0
    for case, was, is_now, was_then in zip(cases, before, now, then, strict=True):
        users = np.repeat(case.holdout.users, 3)
        products = np.arange(len(users)) % (len(was.products) - 1)
        expected = was.rows(users, products)
        np.testing.assert_array_equal(was_then.rows(users, products), expected)
        if corrected.since <= case.now < corrected.until:
            here = users == corrected.user
            expected[here, was.names.index(CORRECTED)] += BY
            touched += here.sum()
        np.testing.assert_array_equal(is_now.rows(users, products), expected)
    assert touched


@pytest.mark.slow
def test_a_model_says_how_its_features_were_known_and_then_learns_what_was_learned_before(
    demo_lake: Settings, corrected: Corrected, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    from orchestration.cli import app

    for name, value in corrected.settings.environment().items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(app, ["train", "--as-known-then"])
    assert shown.exit_code == 0, shown.output

    def ranker(settings: Settings) -> ModelVersion:
        (found,) = [v for v in model_versions(settings) if v.tags[registry.KIND] == "ranker"]
        return found

    for settings, known in ((demo_lake, "now"), (corrected.settings, "then")):
        client, version = MlflowClient(settings.mlflow_uri), ranker(settings)
        assert version.tags[registry.FEATURES_AS_KNOWN] == known
        assert client.get_run(version.run_id).data.tags[registry.FEATURES_AS_KNOWN] == known
    before, then = ranker(demo_lake), ranker(corrected.settings)
    assert then.tags[registry.TRAINING_HASH] == before.tags[registry.TRAINING_HASH]


def test_learning_from_corrected_features_is_learning_from_other_rows(
    demo_lake: Settings, corrected: Corrected
) -> None:
    """What is learned from, without the time that it takes to learn it."""

    def learned_from(settings: Settings) -> str:
        data, cases = cases_of(settings)
        snapshot = current_snapshot(settings)
        run = Runner(
            data, snapshot.folder, lambda: open_store(settings, snapshot), 7, 1, no_progress
        )
        run.fetch_features(cases)
        nothing: dict[str, Model] = {"popularity": fit_popularity_of(run, cases[0])}
        return training_hash(data, [run.pool(nothing, case) for case in cases])

    assert learned_from(corrected.settings) != learned_from(demo_lake)


def fit_popularity_of(run: Runner, case: Case) -> Model:
    (fit,) = run.fits([run.wanted(KINDS.get("popularity"), case, {})])
    assert fit is not None
    return fit.model
