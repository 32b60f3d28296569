"""Evaluation over a whole catalogue."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from training import lists
from training.champion import rank_kinds
from training.evaluate import Holdout, evaluate, pairs

SCORES = np.array([[5.0, 4.0, 3.0, 2.0], [1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])


def held_out() -> Holdout:
    """User 0 likes product 1 and has product 0; user 1 likes 0; product 3 is not for sale."""
    return Holdout(
        users=np.array([0, 1]),
        relevant=pairs(np.array([0, 1]), np.array([1, 0]), (3, 4)),
        excluded=pairs(np.array([0]), np.array([0]), (3, 4)),
        candidates=np.array([True, True, True, False]),
        rated_users=np.array([0, 1]),
        rated_products=np.array([1, 0]),
        ratings=np.array([4.0, 5.0]),
    )


def test_what_a_user_has_and_what_is_not_sold_takes_no_place() -> None:
    found = evaluate(lambda users: SCORES[users], held_out(), np.array([3.0, 5.0]))
    # user 0: 1, 2 (1 is a hit at place 1); user 1: 2, 1, 0 (0 is a hit at place 3)
    assert found.ndcg_at_10 == pytest.approx((1 + 1 / log2(4)) / 2)
    assert found.map_at_10 == pytest.approx((1 + 1 / 3) / 2)
    assert found.precision_at_10 == pytest.approx(0.1)
    assert found.recall_at_10 == 1.0
    assert found.coverage_at_10 == 1.0
    assert found.rmse == pytest.approx(0.5**0.5)


def test_blocks_of_users_give_the_same_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = held_out()
    whole = lists.recommend_lists(
        lambda users: SCORES[users], np.arange(3), asked.excluded, asked.candidates, 3
    )
    monkeypatch.setattr(lists, "BLOCK_CELLS", 1)
    one_by_one = lists.recommend_lists(
        lambda users: SCORES[users], np.arange(3), asked.excluded, asked.candidates, 3
    )
    assert whole.tolist() == one_by_one.tolist() == [[1, 2, -1], [2, 1, 0], [0, 1, 2]]


def test_the_best_kind_leads_and_ties_go_to_the_simpler() -> None:
    figures = {"popularity": 0.2, "bias": 0.3, "svd": 0.1 + 0.2, "ranker": 0.3}
    assert rank_kinds(figures) == ("bias", "svd", "ranker", "popularity")


def test_a_kind_without_figure_is_never_champion() -> None:
    assert rank_kinds({"popularity": 0.1, "bias": float("nan")}) == ("popularity",)
    assert rank_kinds({"svd": float("nan")}) == ("popularity",)
