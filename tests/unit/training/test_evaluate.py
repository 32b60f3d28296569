"""Evaluation over a whole catalogue, and lists made from scores."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tests.unit.training.asking import events, question
from training import ranking
from training.bootstrap import bootstrap
from training.champion import rank_kinds
from training.comparison import Measured, compared, measured
from training.evaluate import Holdout, pairs
from training.requests import Question

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


def asked(*users: int, k: int = 10) -> Question:
    excluded = [(users.index(0), 0)] if 0 in users else []
    return question(events(), users, (3, 4), k=k, excluded=excluded, unlisted=[3])


def test_what_a_user_has_and_what_is_not_sold_takes_no_place() -> None:
    lists = ranking.ranked(asked(0, 1), lambda some: SCORES[some.users])
    found = measured(lists.products, held_out(), np.array([3.0, 5.0])).scores
    # user 0: 1, 2 (1 is a hit at place 1); user 1: 2, 1, 0 (0 is a hit at place 3)
    assert found.ndcg_at_10 == pytest.approx((1 + 1 / log2(4)) / 2)
    assert found.map_at_10 == pytest.approx((1 + 1 / 3) / 2)
    assert found.precision_at_10 == pytest.approx(0.1)
    assert found.recall_at_10 == 1.0
    assert found.coverage_at_10 == 1.0
    assert found.rmse == pytest.approx(0.5**0.5)


def test_a_model_without_stars_has_no_error_of_them() -> None:
    lists = ranking.ranked(asked(0, 1), lambda some: SCORES[some.users])
    found = measured(lists.products, held_out(), None).scores
    assert "valid_rmse" not in found.named("valid")
    assert "valid_ndcg_at_10" in found.named("valid")


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_of_users_give_the_same_lists(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    def scores(some: Question) -> np.ndarray:
        return SCORES[some.users]

    whole = ranking.ranked(asked(0, 1, 2, k=3), scores)
    monkeypatch.setattr(ranking, "BLOCK_CELLS", 1)
    one_by_one = ranking.ranked(asked(0, 1, 2, k=3), scores)
    assert (
        whole.products.tolist()
        == one_by_one.products.tolist()
        == [[1, 2, -1], [2, 1, 0], [0, 1, 2]]
    )
    assert whole.scores.tolist() == one_by_one.scores.tolist()
    assert threads


@given(
    scores=st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=6, max_size=6),
        min_size=3,
        max_size=3,
    ),
    excluded=st.sets(st.tuples(st.integers(0, 2), st.integers(0, 5))),
    unlisted=st.sets(st.integers(0, 5)),
    k=st.integers(1, 6),
)
def test_sparse_scores_equal_scores_for_some_columns_and_dense_ones(
    scores: list[list[float]], excluded: set[tuple[int, int]], unlisted: set[int], k: int
) -> None:
    """0.0 is no score where scores are sparse: a dense list has -inf there."""
    ask = question(
        events(), [0, 1, 2], (3, 6), k=k, excluded=sorted(excluded), unlisted=sorted(unlisted)
    )
    table = np.array(scores)
    dense = np.where(table > 0, table, -np.inf)
    expected = ranking.ranked(ask, lambda some: dense[some.users])
    sparse = ranking.ranked_sparse(ask, csr_array(table))
    columns = np.array([1, 3, 4])
    some = ranking.ranked(ask, lambda part: dense[part.users][:, columns], columns)
    without = dense.copy()
    without[:, [0, 2, 5]] = -np.inf
    only = ranking.ranked(ask, lambda part: without[part.users])
    assert sparse.products.tolist() == expected.products.tolist()
    assert sparse.scores.tolist() == expected.scores.tolist()
    assert some.products.tolist() == only.products.tolist()
    alike = ranking.ranked_alike(ask, dense[0])
    same = ranking.ranked(ask, lambda part: np.tile(dense[0], (len(part), 1)))
    assert alike.products.tolist() == same.products.tolist()


def test_free_places_are_filled_with_popular_products_that_are_not_there() -> None:
    ask = asked(0, 1, k=3)
    lists = ranking.ranked_sparse(ask, csr_array(np.array([[0, 0, 7.0, 0], [0, 0, 0, 0]])))
    popular = ranking.ranked_alike(ask, np.array([4.0, 3.0, 2.0, 1.0]))
    assert ranking.filled(lists, popular).tolist() == [[2, 1, -1], [0, 1, 2]]


def test_the_best_kind_leads_and_ties_go_to_the_simpler() -> None:
    figures = {"popularity": 0.2, "bias": 0.3, "svd": 0.1 + 0.2, "ranker": 0.3}
    assert rank_kinds(figures) == ("bias", "svd", "ranker", "popularity")


def test_a_kind_without_figure_is_never_champion() -> None:
    assert rank_kinds({"popularity": 0.1, "bias": float("nan")}) == ("popularity",)
    assert rank_kinds({"svd": float("nan")}) == ("popularity",)


def test_an_interval_holds_the_mean_of_many_samples_and_is_that_of_the_normal() -> None:
    """Of the mean of n values the error is deviation / sqrt(n): the interval is 1.96 of it."""
    values = np.random.default_rng(0).normal(0.3, 0.2, 2_000)
    found = bootstrap(values, seed=1)
    error = values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def with_ndcg(*values: float) -> Measured:
    nobody = np.empty((0, 10), dtype=np.int64)
    empty = Holdout.empty(np.ones(4, dtype=bool), 3)
    found = measured(nobody, empty, None)
    scores = found.scores.__class__(*[float(np.mean(values))] * 7)
    return Measured(scores, np.array(values), nobody)


def test_a_champion_is_compared_with_the_rule_that_was_best_on_the_same_users() -> None:
    rules = {"popularity": with_ndcg(*[0.1] * 50), "history": with_ndcg(*[0.2] * 50)}
    found = compared("ranker", {"ranker": with_ndcg(*[0.3] * 50)}, rules, seed=1)
    assert found is not None
    assert found.rule == "history"
    assert found.lift.mean == pytest.approx(0.1)
    assert found.is_better
    assert "better" in found.verdict


def test_a_lift_whose_interval_holds_0_is_not_called_better() -> None:
    noisy = np.random.default_rng(3).normal(0.2, 0.2, 60)
    rules = {"popularity": with_ndcg(*[0.2] * 60)}
    found = compared("ranker", {"ranker": with_ndcg(*noisy)}, rules, seed=1)
    assert found is not None
    assert not found.is_better
    assert "not surely better" in found.verdict


def test_without_a_rule_there_is_nothing_to_compare_with() -> None:
    assert compared("ranker", {"ranker": with_ndcg(0.3)}, {}, seed=1) is None
