"""Shops with too little data for the whole procedure: what can be trained is, and the log says why
the rest is not. No feature store is opened for them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.behaviour import Events
from training.experiment import Experiment, run_experiment
from training.interactions import Index, Interactions
from training.labels import ShopData, ShopRules

USERS, PRODUCTS = 6, 9


def shop(days: int) -> ShopData:
    """Everyone rates a product a day, highest those whose number is near their own."""
    day, users = (axis.ravel() for axis in np.mgrid[0:days, 0:USERS])
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
        events=Events(users, products, np.where(day % 2 == 0, 1.0, 0.25), times),
    )


def experiment(days: int) -> Experiment:
    def no_store() -> Any:
        raise AssertionError("there is nothing to ask the feature store for")

    return run_experiment(shop(days), Path("nowhere"), no_store, seed=7)


def test_a_shop_of_one_day_serves_what_is_popular(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = experiment(1)
    assert found.ranking == ("popularity",)
    assert {"popularity", "bias", "svd", "history"} <= set(found.models)
    assert not {"blend", "ranker"} & set(found.models)
    assert (found.validation, found.test, found.curve) == ({}, {}, None)
    assert "one day" in caplog.text


def test_a_shop_of_three_days_compares_the_base_models(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = experiment(3)
    assert {"popularity", "bias", "svd", "history"} <= set(found.validation)
    assert set(found.validation) <= set(found.test)
    assert found.ranking[0] in found.validation
    assert "too few days" in caplog.text


def test_a_day_on_which_nobody_likes_anything_new_names_no_champion_by_chance(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = experiment(2)  # on the second day all labels are 2.0
    assert found.ranking == ("popularity",)
    assert "ndcg_at_10" not in "".join(found.validation["svd"].scores.named("valid"))
    assert "no user liked anything new" in caplog.text


def test_a_rule_that_tuning_found_is_part_of_the_bar() -> None:
    """Else a tuned rule would be champion, and be called better than rules that are worse."""

    def no_store() -> Any:
        raise AssertionError("there is nothing to ask the feature store for")

    found = run_experiment(
        shop(3), Path("nowhere"), no_store, seed=7, parameters={"history": {"half_life_days": 3.0}}
    )
    assert "history half_life_days=3" in found.rules
    assert len(found.rules) == len(set(found.rules)) == 7 + 6 + 1, (
        "tries of both, and what was found"
    )
