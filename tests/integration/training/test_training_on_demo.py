"""Training on the demo shop, after all steps: with Feast's history, and with MLflow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from feature_store.snapshots import current_snapshot
from recomart.settings import Settings
from training.evaluate import Holdout, Scores, evaluate
from training.examples import prepare_examples
from training.experiment import Experiment, run_experiment
from training.feature_tables import FeatureTables, model_features
from training.fitting import fit_on_base, fit_on_labels
from training.history import Ask, feature_tables, features_of_rows
from training.kinds.ranker import Ranker
from training.labels import ShopData, load_shop_data
from training.model import Model
from training.split import Split, holdout, split_by_time

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass(frozen=True)
class Trained:
    """The state of an experiment at its test cut."""

    settings: Settings
    snapshot: Path
    data: ShopData
    store: FeatureStore
    split: Split
    held_out: Holdout
    base: dict[str, Model]
    ranker: Ranker
    tables: FeatureTables

    def judge(self, tables: FeatureTables) -> Scores:
        rated = self.held_out.rated_users, self.held_out.rated_products
        return evaluate(self.ranker.at(tables), self.held_out, self.ranker.ratings(*rated))


@pytest.fixture(scope="module")
def trained(demo_lake: Settings) -> Trained:
    from feature_store.stores import open_store

    snapshot = current_snapshot(demo_lake).folder
    data = load_shop_data(snapshot)
    store = open_store(demo_lake)
    split = split_by_time(data.labels.times, data.rules.as_of)
    holdouts = [holdout(data, window, seed=7) for window in split.windows]
    base = [fit_on_labels(data, window.cut, seed=7) for window in split.windows]
    examples = prepare_examples(
        data, store, model_features(snapshot), split.windows, holdouts, base, seed=7
    )
    earlier = examples.first(len(split.windows) - 1)
    ranker = fit_on_base(data, split.windows[-1].cut, base[-1], earlier, seed=7)["ranker"]
    assert isinstance(ranker, Ranker)
    ask = Ask(split.windows[-1].cut, holdouts[-1].users)
    (tables,) = feature_tables(store, data, snapshot, [ask])
    return Trained(demo_lake, snapshot, data, store, split, holdouts[-1], base[-1], ranker, tables)


def test_features_joined_by_position_equal_what_feast_answers_for_the_pair(
    trained: Trained,
) -> None:
    random = np.random.default_rng(0)
    users = random.choice(trained.held_out.users, 200)
    products = random.integers(0, len(trained.data.products), 200)
    asked = pd.DataFrame(
        {
            "row_id": np.arange(200),
            "user_id": trained.data.users.ids[users],
            "product_id": trained.data.products.ids[products],
            "category": trained.data.categories[products],
            "event_timestamp": trained.split.windows[-1].cut,
        }
    )
    found = features_of_rows(trained.store, asked)
    expected = found[list(trained.tables.names)].to_numpy(dtype=float, na_value=np.nan)
    assert np.isfinite(expected).mean() > 0.5
    np.testing.assert_allclose(trained.tables.rows(users, products), expected, rtol=1e-12)


def test_the_ranker_beats_svd_and_popularity(trained: Trained) -> None:
    ranker = trained.judge(trained.tables).ndcg_at_10
    rated = trained.held_out.ratings
    for base in (trained.base["popularity"], trained.base["svd"]):
        scores = base.scores  # type: ignore[attr-defined]  # both score densely
        assert ranker > evaluate(scores, trained.held_out, rated).ndcg_at_10


def test_shuffled_features_make_ndcg_fall(trained: Trained) -> None:
    """Each product gets another one's features, each user another one's: what was learned of
    them no longer holds, and only SVD's score and popularity still speak for the right product."""
    random = np.random.default_rng(0)
    tables = trained.tables
    products = np.r_[random.permutation(len(tables.products) - 1), len(tables.products) - 1]
    rows = np.r_[random.permutation(len(tables.users) - 1), len(tables.users) - 1]
    shuffled = replace(
        tables,
        users=tables.users[rows],
        pairs=tables.pairs[rows],
        products=tables.products[products],
    )
    assert trained.judge(shuffled).ndcg_at_10 < 0.8 * trained.judge(tables).ndcg_at_10


def test_an_experiment_is_the_same_twice(trained: Trained) -> None:
    def again() -> Experiment:
        return run_experiment(trained.data, trained.snapshot, lambda: trained.store, seed=7)

    first, second = again(), again()
    assert first.training_hash == second.training_hash
    assert (first.validation, first.test) == (second.validation, second.test)
    rankers = first.models["ranker"], second.models["ranker"]
    assert all(isinstance(ranker, Ranker) for ranker in rankers)
    assert rankers[0].text == rankers[1].text  # type: ignore[union-attr]


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

    path, cut = trained.snapshot / f"{view}.parquet", trained.split.windows[-1].cut
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
    users = trained.held_out.users
    products = np.arange(len(data.products))
    at = tables.names.index(feature)
    if key == "user_id":
        ids, found = data.users.ids[users], tables.rows(users, np.zeros_like(users))[:, at]
    else:
        ids, found = data.products.ids, tables.rows(products * 0 + users[0], products)[:, at]
    expected = np.array([then.get(str(name)) for name in ids], dtype=float)
    np.testing.assert_array_equal(found, expected)
