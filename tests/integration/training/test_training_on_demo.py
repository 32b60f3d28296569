"""Training on the demo shop, after all steps: with Feast's history, and with MLflow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from feature_store.model_evaluation import Evaluation, evaluation_of, read_evaluation
from feature_store.registered_models import ModelVersion, model_versions
from feature_store.snapshots import current_snapshot
from recomart.settings import Settings
from recomart.step import no_progress
from training import registry
from training.artifact import load
from training.blas import one_blas_thread
from training.experiment import POPULARITY, Workbench
from training.feature_tables import FeatureTables
from training.history import features_of_rows
from training.kinds.ranker import Ranker
from training.labels import ShopData, load_shop_data
from training.pools import Pool
from training.protocols import Case
from training.protocols.time import PROTOCOL
from training.runner import Runner
from training.training_hash import training_hash

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass(frozen=True)
class Trained:
    """An experiment of the lake's snapshot, on one core, with what it knew at its test cut."""

    settings: Settings
    snapshot: Path
    data: ShopData
    store: FeatureStore
    run: Runner
    bench: Workbench
    test: Case

    @property
    def tables(self) -> FeatureTables:
        return self.run.tables[self.test.name]

    @property
    def pool(self) -> Pool:
        return self.bench.pools[self.test.name]

    @property
    def ranker(self) -> Ranker:
        found = self.bench.models[self.test.name]["ranker"]
        assert isinstance(found, Ranker)
        return found

    def ndcg(self, kind: str, pool: Pool | None = None) -> float:
        """nDCG@10 on the test window."""
        models = self.bench.models[self.test.name]
        found = self.run.measure(models[kind], self.test, models[POPULARITY], pool or self.pool)
        return found.scores.ndcg_at_10


@pytest.fixture(scope="module")
def trained(demo_lake: Settings) -> Trained:
    from feature_store.stores import open_store

    snapshot = current_snapshot(demo_lake).folder
    data = load_shop_data(snapshot)
    store = open_store(demo_lake)
    run = Runner(data, snapshot, lambda: store, demo_lake.seed, 1, no_progress)
    with one_blas_thread():
        bench = Workbench(run, PROTOCOL.cases(data, seed=demo_lake.seed), {}, serve=True)
        bench.choose_base()
        bench.fit_base()
        bench.make_pools()
        bench.fit_combiners()
    assert bench.cases.test is not None
    return Trained(demo_lake, snapshot, data, store, run, bench, bench.cases.test)


def by_kind(settings: Settings) -> dict[str, ModelVersion]:
    return {version.tags[registry.KIND]: version for version in model_versions(settings)}


def test_features_joined_by_position_equal_what_feast_answers_for_the_pair(
    trained: Trained,
) -> None:
    random = np.random.default_rng(0)
    users = random.choice(trained.test.holdout.users, 200)
    products = random.integers(0, len(trained.data.products), 200)
    asked = pd.DataFrame(
        {
            "row_id": np.arange(200),
            "user_id": trained.data.users.ids[users],
            "product_id": trained.data.products.ids[products],
            "category": trained.data.categories[products],
            "event_timestamp": trained.test.now,
        }
    )
    found = features_of_rows(trained.store, asked)
    expected = found[list(trained.tables.names)].to_numpy(dtype=float, na_value=np.nan)
    assert np.isfinite(expected).mean() > 0.5
    np.testing.assert_allclose(trained.tables.rows(users, products), expected, rtol=1e-12)


def test_the_ranker_beats_svd_and_popularity(trained: Trained) -> None:
    ranker = trained.ndcg("ranker")
    assert ranker > trained.ndcg("popularity")
    assert ranker > trained.ndcg("svd")


def test_shuffled_features_make_ndcg_fall(trained: Trained) -> None:
    """Each candidate gets another one's features: what was learned of them no longer holds."""
    order = np.random.default_rng(0).permutation(len(trained.pool.row))
    shuffled = replace(trained.pool, features=trained.pool.features[order])
    assert trained.ndcg("ranker", shuffled) < 0.8 * trained.ndcg("ranker")


def test_shuffled_features_of_the_feature_store_make_ndcg_fall(trained: Trained) -> None:
    """Each product gets another one's stored features, each user another one's; what the sources
    say of a candidate still speaks for the right product."""
    random = np.random.default_rng(0)
    tables, test = trained.tables, trained.test
    products = np.r_[random.permutation(len(tables.products) - 1), len(tables.products) - 1]
    rows = np.r_[random.permutation(len(tables.users) - 1), len(tables.users) - 1]
    shuffled = replace(
        tables,
        users=tables.users[rows],
        pairs=tables.pairs[rows],
        products=tables.products[products],
    )
    try:
        trained.run.tables[test.name] = shuffled
        pool = trained.run.pool(trained.ranker.sources.models, test)
    finally:
        trained.run.tables[test.name] = tables
    assert trained.ndcg("ranker", pool) < trained.ndcg("ranker")


@pytest.mark.slow
def test_one_core_learns_the_same_bits_as_the_lakes_training(trained: Trained) -> None:
    """The lake was trained with as many threads as the machine has cores."""
    versions = by_kind(trained.settings)
    served = trained.bench.models[trained.bench.end.name]
    assert set(served) == set(versions)
    hash = training_hash(trained.data, list(trained.bench.pools.values()))
    assert hash == versions["ranker"].tags[registry.TRAINING_HASH]
    for kind in ("ranker", "ease", "svd"):
        theirs = load(versions[kind].folder, sha256=versions[kind].tags[registry.SHA256])
        if kind == "ranker":
            assert theirs.model.texts == served[kind].texts  # type: ignore[attr-defined]
        question = trained.run.question(trained.test)
        ours, same = served[kind].rank(question), theirs.model.rank(question)
        assert ours.products.tobytes() == same.products.tobytes()
        assert ours.scores.tobytes() == same.scores.tobytes()


@pytest.mark.parametrize(
    ("view", "key", "feature"),
    [
        ("ftr_products", "product_id", "product_views_30d"),
        ("ftr_users", "user_id", "user_interactions_90d"),
    ],
)
def test_features_are_the_newest_at_the_cut_and_none_is_younger(
    trained: Trained, view: str, key: str, feature: str
) -> None:
    import duckdb

    path, cut = trained.snapshot / f"{view}.parquet", trained.test.now
    rows = duckdb.execute(
        f"""
        select {key}, max_by({feature}, event_timestamp)
            filter (where event_timestamp <= ?::timestamp) as then, max_by({feature}, event_timestamp)
        from read_parquet('{path}') group by all
        """,
        [str(cut)],
    ).fetchall()
    then = {name: value for name, value, _ in rows}
    assert any(value != newest for _, value, newest in rows), "something did change after the cut"
    data, tables = trained.data, trained.tables
    users = trained.test.holdout.users
    products = np.arange(len(data.products))
    at = tables.names.index(feature)
    if key == "user_id":
        ids, found = data.users.ids[users], tables.rows(users, np.zeros_like(users))[:, at]
    else:
        ids, found = data.products.ids, tables.rows(products * 0 + users[0], products)[:, at]
    expected = np.array([then.get(str(name)) for name in ids], dtype=float)
    np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def evaluation(demo_lake: Settings) -> Evaluation:
    found = evaluation_of(demo_lake, registry.champion(demo_lake))
    assert found is not None
    return found


def test_training_writes_what_every_kind_is_worth(trained: Trained, evaluation: Evaluation) -> None:
    assert {kind.name for kind in evaluation.kinds if kind.role != "rule"} == set(
        by_kind(trained.settings)
    )
    ranker = evaluation.of("ranker")
    assert ranker is not None
    assert ranker.figures["ndcg@10"].mean == pytest.approx(trained.ndcg("ranker"), abs=1e-6)
    assert (evaluation.measured_on, evaluation.protocol) == ("test", "time")
    assert evaluation.test_cut == str(trained.test.now)
    assert evaluation.users == len(trained.test.holdout.users)


def test_the_best_simple_rule_is_the_best_of_all_that_were_tried(evaluation: Evaluation) -> None:
    assert evaluation.rule == evaluation.rules[0].name
    assert {rule.name.split()[0] for rule in evaluation.rules} == {"popularity", "history"}
    best = max(rule.ndcg.mean or 0.0 for rule in evaluation.rules)
    rule = evaluation.of(evaluation.rule)
    assert rule is not None
    assert rule.figures["ndcg@10"].mean == best


def test_the_union_of_candidates_finds_at_least_what_each_source_finds(
    evaluation: Evaluation,
) -> None:
    recall = {one.source: one.recall.mean or 0.0 for one in evaluation.candidates}
    everything = recall.pop("all")
    assert len(recall) >= 5
    assert max(recall.values()) <= everything <= 1.0
    sizes = {one.source: one.products for one in evaluation.candidates}
    assert sizes["all"] >= max(sizes.values())


def test_a_version_says_what_it_is_worth_in_its_tags(
    trained: Trained, evaluation: Evaluation
) -> None:
    for kind, version in by_kind(trained.settings).items():
        result = evaluation.of(kind)
        assert result is not None
        lift = result.lift["ndcg@10"]
        assert version.tags[registry.LIFT].startswith(f"{lift.mean:+.3f} [")
        assert version.tags[registry.VALIDATION_NDCG] == f"{result.validation_ndcg:.3f}"
        assert version.tags[registry.TEST_CUT] == str(trained.test.now)
        assert version.tags[registry.AS_OF] == str(trained.data.rules.as_of)
        assert version.tags[registry.PROTOCOL] == "time"
        found = read_evaluation(trained.settings, version.tags[registry.EVALUATION])
        assert found == evaluation


def test_mlflow_has_the_evaluation_of_the_parent_run(
    demo_lake: Settings, evaluation: Evaluation, tmp_path: Path
) -> None:
    import mlflow

    client = mlflow.MlflowClient(demo_lake.mlflow_uri, demo_lake.mlflow_uri)
    run = client.get_run(registry.champion(demo_lake).run_id)
    parent = run.data.tags["mlflow.parentRunId"]
    uri = client.get_run(parent).info.artifact_uri
    stored = Path(uri.removeprefix("file://")) / "evaluation.json"
    assert Evaluation.model_validate_json(stored.read_bytes()) == evaluation
