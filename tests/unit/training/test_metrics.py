"""Metrics against cases worked by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from training import metrics

# Two users with three places. The first hits places 1 and 3 of 4 relevant, the second place 2 of 1;
# a third has nothing to find.
HITS = np.array([[True, False, True], [False, True, False], [False, False, False]])
RELEVANT = np.array([4, 1, 0])


def test_rmse_and_mae_of_errors_one_and_three() -> None:
    predicted, actual = np.array([4.0, 1.0]), np.array([5.0, 4.0])
    assert metrics.rmse(predicted, actual) == pytest.approx(5**0.5)
    assert metrics.mae(predicted, actual) == pytest.approx(2.0)


def test_errors_of_no_ratings_are_undefined() -> None:
    nothing = np.array([])
    assert np.isnan(metrics.rmse(nothing, nothing))
    assert np.isnan(metrics.mae(nothing, nothing))


def test_precision_is_charged_for_every_place() -> None:
    np.testing.assert_allclose(metrics.precision(HITS, RELEVANT, 3), [2 / 3, 1 / 3, np.nan])


def test_a_list_shorter_than_k_is_charged_for_its_empty_places() -> None:
    assert metrics.precision(np.array([[True]]), np.array([1]), 10) == pytest.approx([0.1])


def test_recall_is_over_all_relevant_products() -> None:
    np.testing.assert_allclose(metrics.recall(HITS, RELEVANT, 3), [2 / 4, 1.0, np.nan])


def test_reciprocal_rank_looks_at_the_first_hit() -> None:
    np.testing.assert_allclose(metrics.reciprocal_rank(HITS, RELEVANT), [1.0, 0.5, np.nan])


def test_average_precision_averages_precision_at_the_hits() -> None:
    first = (1 / 1 + 2 / 3) / 3  # min(4 relevant, 3 places)
    np.testing.assert_allclose(metrics.average_precision(HITS, RELEVANT, 3), [first, 0.5, np.nan])


def test_ndcg_compares_with_the_perfect_list() -> None:
    first = (1 + 1 / log2(4)) / (1 + 1 / log2(3) + 1 / log2(4))
    second = (1 / log2(3)) / 1
    np.testing.assert_allclose(metrics.ndcg(HITS, RELEVANT, 3), [first, second, np.nan])


def test_a_perfect_list_reaches_one_on_every_scale() -> None:
    hits, relevant = np.ones((1, 10), dtype=bool), np.array([25])
    assert metrics.ndcg(hits, relevant, 10) == pytest.approx([1.0])
    assert metrics.average_precision(hits, relevant, 10) == pytest.approx([1.0])
    assert metrics.precision(hits, relevant, 10) == pytest.approx([1.0])


def test_ndcg_agrees_with_scikit_learn_on_random_lists() -> None:
    from sklearn.metrics import ndcg_score

    random = np.random.default_rng(3)
    for _ in range(20):
        truth = (random.random((1, 40)) < 0.2).astype(int)
        scores = random.random((1, 40))
        hits = truth[:, np.argsort(-scores[0])].astype(bool)[:, :10]
        expected = ndcg_score(truth, scores, k=10) if truth.any() else np.nan
        ours = metrics.ndcg(hits, truth.sum(axis=1), 10)
        np.testing.assert_allclose(ours, [expected])


def test_coverage_counts_distinct_products_and_ignores_empty_places() -> None:
    assert metrics.coverage(np.array([[0, 1], [1, -1]]), 4) == 0.5
    assert np.isnan(metrics.coverage(np.empty((0, 2), dtype=int), 0))


def test_hit_rate_asks_only_whether_there_is_a_hit() -> None:
    np.testing.assert_array_equal(metrics.hit_rate(HITS, RELEVANT, 3), [1.0, 1.0, np.nan])
    np.testing.assert_array_equal(metrics.hit_rate(HITS, RELEVANT, 1), [1.0, 0.0, np.nan])


def test_novelty_is_the_mean_surprise_in_bits() -> None:
    owners = np.array([8, 2, 1, 0])  # of 8 users: 0, 2 and 3 bits, and nobody's counts as one's
    lists = np.array([[0, 1], [2, 3], [1, -1], [-1, -1]])
    np.testing.assert_allclose(metrics.novelty(lists, owners, 8), [1.0, 3.0, 2.0, np.nan])


def test_personalisation_is_0_for_equal_lists_and_1_for_lists_without_a_common_product() -> None:
    assert metrics.personalisation(np.array([[0, 1], [1, 0], [0, 1]]), 4) == pytest.approx(0.0)
    assert metrics.personalisation(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(1.0)
    assert np.isnan(metrics.personalisation(np.array([[0, 1], [-1, -1]]), 4))


def test_personalisation_is_the_mean_over_all_pairs_of_users() -> None:
    # of three pairs: one shares one of two products, one shares none, and [3] with [2, 3] has a
    # cosine of 1 / sqrt(2)
    lists = np.array([[0, 1], [1, 2], [3, -1], [-1, -1]])
    assert metrics.personalisation(lists[:3], 4) == pytest.approx((0.5 + 1 + 1) / 3)
    lists[0] = [2, 3]
    expected = ((1 - 0.5) + (1 - 1 / 2**0.5) + 1) / 3
    assert metrics.personalisation(lists, 4) == pytest.approx(expected)


def test_the_top_sellers_are_the_tenth_of_the_catalogue_that_most_users_have() -> None:
    owners = np.array([5, 9, 7, *[1] * 18])
    listed = np.ones(21, dtype=bool)
    listed[1] = False  # no longer sold
    assert np.flatnonzero(metrics.top_sellers(owners, listed)).tolist() == [0, 2]
    assert not metrics.top_sellers(np.zeros(21, dtype=int), listed).any()


def test_the_share_of_top_sellers_is_over_what_a_list_holds() -> None:
    top = np.array([True, False, False])
    lists = np.array([[0, 1], [0, -1], [1, 2], [-1, -1]])
    np.testing.assert_array_equal(metrics.top_seller_share(lists, top), [0.5, 1.0, 0.0, np.nan])
