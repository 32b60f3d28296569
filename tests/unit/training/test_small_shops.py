"""Shops with too little data for the whole procedure: what can be trained is, and the log says why
the rest is not. No feature store is opened for them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.experiment import Experiment, run_experiment
from training.interactions import Index, Interactions
from training.kinds import ranker as ranker_module
from training.kinds.popularity import Popularity
from training.kinds.ranker import Ranker
from training.kinds.svd import SVD
from training.labels import ShopData, ShopRules

USERS, PRODUCTS = 6, 9


def shop(days: int) -> ShopData:
    """Everyone rates a product a day, highest those whose number is near their own."""
    users, day = (axis.ravel() for axis in np.mgrid[0:USERS, 0:days])
    products = (users + day) % PRODUCTS
    times = np.datetime64("2026-01-01T12:00:00", "us") + day.astype("timedelta64[D]")
    labels = Interactions(users, products, np.where(day % 2 == 0, 5.0, 2.0), times)
    index = Index("abcdefghi")
    return ShopData(
        rules=ShopRules("tiny", times.max(), (1.0, 5.0), 4.0, False, None),
        snapshot="0",
        users=Index("uvwxyz"),
        products=index,
        titles=index.ids,
        categories=np.array(["x"] * PRODUCTS),
        listed=np.ones(PRODUCTS, dtype=bool),
        labels=labels,
        label_kind="rating",
        owned=labels,
    )


def experiment(days: int) -> Experiment:
    def no_store() -> Any:
        raise AssertionError("there is nothing to ask the feature store for")

    return run_experiment(shop(days), Path("nowhere"), no_store, seed=7)


def test_a_shop_of_one_day_serves_what_is_popular(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = experiment(1)
    assert found.ranking == ("popularity",)
    assert set(found.models) == {"popularity", "bias", "svd"}
    assert (found.validation, found.test, found.curve) == ({}, {}, None)
    assert "one day" in caplog.text


def test_a_shop_of_three_days_compares_the_base_models(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = experiment(3)
    assert set(found.validation) == set(found.test) == {"popularity", "bias", "svd"}
    assert found.ranking[0] in found.validation
    assert "too few days" in caplog.text


def test_a_day_on_which_nobody_likes_anything_new_names_no_champion_by_chance(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = experiment(2)  # on the second day all labels are 2.0
    assert found.ranking == ("popularity",)
    assert "ndcg_at_10" not in "".join(found.validation["svd"].named("valid"))
    assert "no user liked anything new" in caplog.text


def test_of_a_large_catalogue_the_best_by_svd_and_by_popularity_are_ranked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ranker_module, "RANKED_WHOLE", 2)
    monkeypatch.setattr(ranker_module, "SHORTLIST", 1)
    svd = SVD(
        mean=0.0,
        user_bias=np.zeros(2),
        product_bias=np.array([0.0, 3.0, 1.0]),
        user_factors=np.zeros((2, 1)),
        product_factors=np.zeros((3, 1)),
        scale=(1.0, 5.0),
    )
    popularity = Popularity(np.array([0.0, 1.0, 2.0]), np.zeros(3), np.zeros(3), (1.0, 5.0))
    chosen = Ranker("", (), svd, popularity).shortlist(np.array([0]))
    assert chosen.tolist() == [[False, True, True]]
