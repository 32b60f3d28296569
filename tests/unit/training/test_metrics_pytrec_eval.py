"""Ranking metrics against trec_eval's own C code, on random lists."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import pytrec_eval

from training import metrics

USERS, PRODUCTS, LONGEST = 200, 60, 20
CUTS = (5, 10, 20)
AGREES = {"rtol": 0.0, "atol": 1e-9}


@cache
def random_lists() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lists, relevant matrix, hits): lists of 0 to 20 products, 1 to 30 relevant ones a user."""
    random = np.random.default_rng(11)
    lists = np.full((USERS, LONGEST), -1)
    relevant = np.zeros((USERS, PRODUCTS), dtype=bool)
    for user in range(USERS):
        length = random.integers(0, LONGEST + 1)
        lists[user, :length] = random.permutation(PRODUCTS)[:length]
        relevant[user, random.permutation(PRODUCTS)[: random.integers(1, 31)]] = True
    hits = np.take_along_axis(relevant, np.maximum(lists, 0), axis=1) & (lists >= 0)
    return lists, relevant, hits


def trec_eval(measure: str, cut: int) -> np.ndarray:
    """(users,) what trec_eval says of the first `cut` places; 0 for a list without a product."""
    lists, relevant, _ = random_lists()
    truth = {
        f"u{user}": {f"p{product}": 1 for product in np.flatnonzero(relevant[user])}
        for user in range(USERS)
    }
    runs = {
        f"u{user}": {
            f"p{product}": float(LONGEST - place)
            for place, product in enumerate(lists[user, :cut])
            if product >= 0
        }
        for user in range(USERS)
    }
    name = measure if measure == "recip_rank" else f"{measure}_{cut}"
    wanted = {measure if measure == "recip_rank" else f"{measure}.{cut}"}
    found = pytrec_eval.RelevanceEvaluator(truth, wanted).evaluate(runs)
    return np.array([found.get(f"u{user}", {}).get(name, 0.0) for user in range(USERS)])


@pytest.mark.parametrize("cut", CUTS)
def test_ranking_metrics_agree_with_trec_eval_on_random_lists(cut: int) -> None:
    _, truth, hits = random_lists()
    relevant = truth.sum(axis=1)
    np.testing.assert_allclose(
        metrics.ndcg(hits, relevant, cut), trec_eval("ndcg_cut", cut), **AGREES
    )
    np.testing.assert_allclose(
        metrics.recall(hits, relevant, cut), trec_eval("recall", cut), **AGREES
    )
    np.testing.assert_allclose(
        metrics.precision(hits, relevant, cut), trec_eval("P", cut), **AGREES
    )
    np.testing.assert_allclose(
        metrics.hit_rate(hits, relevant, cut), trec_eval("success", cut), **AGREES
    )
    np.testing.assert_allclose(
        metrics.reciprocal_rank(hits[:, :cut], relevant), trec_eval("recip_rank", cut), **AGREES
    )


@pytest.mark.parametrize("cut", CUTS)
def test_average_precision_is_trec_evals_over_what_a_list_can_hold(cut: int) -> None:
    """trec_eval divides by all relevant products, this one by those that fit into the list."""
    _, truth, hits = random_lists()
    relevant = truth.sum(axis=1)
    theirs = trec_eval("map_cut", cut) * relevant / np.minimum(relevant, cut)
    np.testing.assert_allclose(metrics.average_precision(hits, relevant, cut), theirs, **AGREES)
