"""Pools of candidates: their features by hand, and what combiners make of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.asking import NOW, events, question
from training.interactions import BoolArray
from training.kinds.blend import fit_weights
from training.kinds.ranker import SMALL, fit_trees
from training.local_features import NAMES, moment_of
from training.pools import Pool, pool_of
from training.requests import Ranked

CATEGORIES = np.array([0, 0, 1, 1])


def test_a_pool_unites_lists_and_keeps_rank_and_share_of_each() -> None:
    ask = question(events(), [0, 1], (2, 4))
    lists = {
        "one": Ranked(np.array([[2, 0], [1, -1]]), np.array([[8.0, 4.0], [3.0, -np.inf]])),
        "two": Ranked(np.array([[0, 3], [-1, -1]]), np.array([[0.5, 0.25], [-np.inf, -np.inf]])),
    }
    pool = pool_of(ask, lists, moment_of(events(), CATEGORIES, NOW))
    assert list(zip(pool.row.tolist(), pool.products.tolist(), strict=True)) == [
        (0, 0), (0, 2), (0, 3), (1, 1),
    ]  # fmt: skip
    nan = float("nan")
    np.testing.assert_equal(pool.column("one_rank").tolist(), [1.0, 0.0, nan, 0.0])
    # over the last of a list that is shorter than ten
    np.testing.assert_equal(pool.column("one_share").tolist(), [1.0, 2.0, nan, 1.0])
    np.testing.assert_equal(pool.column("two_rank").tolist(), [0.0, nan, 1.0, nan])
    assert pool.groups.tolist() == [3, 1]


def test_features_of_the_moment_are_those_counted_by_hand() -> None:
    happened = events(
        (0, 0, 1.0, "2026-03-01"),  # thirty days before now
        (0, 0, 1.0, "2026-03-11"),
        (0, 1, 3.0, "2026-03-21"),
        (1, 0, 1.0, "2026-03-29"),
        (1, 2, 1.0, "2026-03-30"),
        (1, 3, -2.0, "2026-03-30"),  # speaks against it: not counted
    )
    ask = question(happened, [0, 1], (2, 4))
    pairs = Ranked(np.array([[0, 1], [0, 3]]), np.array([[2.0, 1.0], [2.0, 1.0]]))
    found = pool_of(ask, {"one": pairs}, moment_of(happened, CATEGORIES, NOW))
    rows = {
        (int(row), int(product)): dict(
            zip(found.names, map(float, found.features[at]), strict=True)
        )
        for at, (row, product) in enumerate(zip(found.row, found.products, strict=True))
    }
    mine = rows[0, 0]
    assert mine["popular_ever"] == pytest.approx(3 * 4 / 5)  # 3 of 5 events, 4 products
    assert mine["popular_7d"] == pytest.approx(1 * 4 / 2)
    assert mine["product_age"] == 30.0
    assert mine["product_idle"] == 2.0
    assert mine["repeat_rate"] == 0.5  # user 0 came back, user 1 did not
    assert mine["new_buyer_share"] == 0.5  # of 28 days: user 0 had it before, user 1 is new
    assert (mine["user_size"], mine["user_products"], mine["user_idle"]) == (3.0, 2.0, 10.0)
    assert mine["arrived_since_visit"] == 0.0
    assert (mine["own_times"], mine["own_idle"]) == (2.0, 20.0)
    assert mine["own_due"] == pytest.approx(20 / 10)  # ten days between its two days
    assert mine["product_due"] == pytest.approx(20 / 10)
    assert mine["taste_ever"] == pytest.approx(1.0, abs=1e-4)  # products 0 and 1 are one category
    never = rows[1, 3]
    assert np.isnan(never["product_age"])
    assert never["own_times"] == 1.0
    assert never["own_90d"] == 0.0
    assert rows[0, 1]["own_30d"] == pytest.approx(
        3 * 0.5 ** (10 / 30) / (3 * 0.5 ** (10 / 30) + 0.5 ** (20 / 30) + 0.5 ** (30 / 30))
    )
    assert set(NAMES) <= set(found.names)


def test_features_of_the_moment_do_not_see_what_comes_later() -> None:
    known = events((0, 0, 1.0, "2026-03-01"), (1, 1, 1.0, "2026-03-11"))
    later = events(
        (0, 0, 1.0, "2026-03-01"), (1, 1, 1.0, "2026-03-11"), (1, 0, 1.0, "2026-03-31T10:00")
    )
    lists = {"one": Ranked(np.array([[0, 1]]), np.array([[2.0, 1.0]]))}
    found = [
        pool_of(question(some, [0], (2, 4)), lists, moment_of(some, CATEGORIES, NOW)).features
        for some in (known, later.before(NOW))
    ]
    np.testing.assert_array_equal(*found)


def labelled(relevant: BoolArray, *columns: np.ndarray) -> Pool:
    """Lists of ten candidates with the columns a_share, b_share and user_size."""
    count = len(relevant)
    return Pool(
        row=np.arange(count) // 10,
        products=np.arange(count) % 10,
        names=("a_share", "b_share", "user_size"),
        features=np.column_stack(columns).astype(np.float32),
        users=count // 10,
        relevant=relevant,
    )


def noise_and_truth(lists: int) -> Pool:
    """The column b says what is relevant, for users with at least ten events; a is noise."""
    random = np.random.default_rng(5)
    relevant = random.random(lists * 10) < 0.2
    size = np.repeat(random.integers(0, 2, lists) * 20, 10)
    b = np.where(
        size >= 10, relevant + 0.1 * random.random(len(relevant)), random.random(len(size))
    )
    a = np.where(size >= 10, random.random(len(size)), relevant + 0.1 * random.random(len(size)))
    return labelled(relevant, a, b, size)


def test_a_blend_learns_for_each_class_of_users_which_source_to_believe() -> None:
    weights = fit_weights((noise_and_truth(200),), ["a", "b"])
    small, large = weights[0], weights[-1]
    assert small[0] > small[1], "users without history: a tells"
    assert large[1] > large[0], "users with many events: b tells"


def test_equal_pools_and_seed_give_equal_trees_and_they_learn() -> None:
    pool = noise_and_truth(300)
    first = fit_trees((pool,), {"objective": "binary", **SMALL}, seed=3)
    assert first == fit_trees((pool,), {"objective": "binary", **SMALL}, seed=3)
    assert first != fit_trees((pool,), {"objective": "binary", **SMALL}, seed=4)
    import lightgbm

    booster = lightgbm.Booster(model_str=first)
    scores = np.asarray(booster.predict(pool.features))
    assert pool.relevant is not None
    best = pool.ranked(scores, 1).products[:, 0]
    hit = [bool(pool.relevant[row * 10 + product]) for row, product in enumerate(best)]
    assert np.mean(hit) > 0.8


def test_a_sample_of_lists_has_whole_lists_of_users_with_a_hit() -> None:
    pool = noise_and_truth(100)
    some = pool.with_a_hit(20, seed=1)
    assert some.groups.tolist() == [10] * 20
    assert some.relevant is not None
    assert all(some.relevant[some.row == row].any() for row in np.unique(some.row))
    none = replace(pool, relevant=np.zeros(len(pool.row), dtype=bool))
    assert not len(none.with_a_hit().groups)


def test_a_sample_of_negatives_keeps_every_hit_and_some_others_of_each_list() -> None:
    pool = noise_and_truth(50)
    assert pool.relevant is not None
    some = pool.with_negatives(3, seed=1)
    assert some.relevant is not None
    hits = np.bincount(pool.row, pool.relevant, 50)
    np.testing.assert_array_equal(np.bincount(some.row, some.relevant, 50), hits)
    np.testing.assert_array_equal(
        np.bincount(some.row, ~some.relevant, 50), np.minimum(10 - hits, 3)
    )
    assert (np.diff(some.row) >= 0).all()
