"""Candidate sources against other implementations and cases worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recomart.step import no_progress
from tests.unit.training.asking import NOW, events, question
from training.behaviour import Events
from training.fit_task import FitTask
from training.interactions import Interactions
from training.kinds import KINDS, Fit
from training.kinds.als import Als, fit_als
from training.kinds.ease import fit_ease
from training.kinds.history import OwnHistory
from training.kinds.together import similarities

SCALE = (1.0, 5.0)
USERS, PRODUCTS = 30, 12


@pytest.fixture(scope="module")
def happened() -> Events:
    """Each user has four products of one half of the catalogue, and one of the other."""
    random = np.random.default_rng(8)
    rows = []
    for user in range(USERS):
        half = (user % 2) * 6
        for product in [*(half + random.permutation(6)[:4]), (half + random.integers(6, 12)) % 12]:
            day = random.integers(1, 30)
            rows.append((user, int(product), 1.0, f"2026-03-{day:02}"))
    return events(*rows)


def task(happened: Events, *, users: int = USERS, products: int = PRODUCTS, **more: Any) -> FitTask:
    nothing = np.empty(0, dtype=np.int64)
    return FitTask(
        known=Interactions(nothing, nothing, np.empty(0), np.empty(0, dtype="datetime64[us]")),
        events=happened,
        cut=NOW,
        users=users,
        products=products,
        categories=more.pop("categories", np.arange(products) // 6),
        scale=SCALE,
        relevant=4.0,
        seed=7,
        **more,
    )


def fitted(
    kind: str, happened: Events, parameters: dict[str, Any] | None = None, **more: Any
) -> Any:
    found = KINDS.get(kind)
    fit = found.fit(
        task(happened, **more), {**found.parameters, **(parameters or {})}, progress=no_progress
    )
    assert isinstance(fit, Fit)
    return fit.model


def test_ease_is_the_published_formula(happened: Events) -> None:
    """B = I - P diag(1 / diag(P)) with P = (X'X + lambda I)^-1, here in double precision."""
    own = np.zeros((USERS, PRODUCTS))
    own[happened.users, happened.products] = 1
    inverse = np.linalg.inv(own.T @ own + 5.0 * np.eye(PRODUCTS))
    weights = np.eye(PRODUCTS) - inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)

    model = fit_ease(happened, users=USERS, products=PRODUCTS, scale=SCALE, regularisation=5.0)

    assert model is not None
    np.testing.assert_allclose(model.weights, weights, atol=1e-5)
    scores = model.scores(question(happened, range(USERS), (USERS, PRODUCTS)))
    np.testing.assert_allclose(scores, own @ weights, atol=1e-4)


def test_ease_leaves_products_with_a_single_user_out_and_keeps_the_most_used() -> None:
    rows = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 2)]
    some = events(*((user, product, 1.0, "2026-03-01") for user, product in rows))
    model = fit_ease(some, users=3, products=3, scale=SCALE, regularisation=1.0)
    assert model is not None
    assert model.covered.tolist() == [0, 1]
    one = fit_ease(some, users=3, products=3, scale=SCALE, regularisation=1.0, most=1)
    assert one is not None
    assert one.covered.tolist() == [0]
    alone = events((0, 0, 1.0, "2026-03-01"))
    assert fit_ease(alone, users=3, products=3, scale=SCALE, regularisation=1.0) is None


def test_als_solves_for_a_profile_what_the_library_solved_for_the_user(happened: Events) -> None:
    model = fit_als(
        happened,
        users=USERS,
        products=PRODUCTS,
        scale=SCALE,
        factors=4,
        confidence=3.0,
        regularisation=2.0,
        passes=30,
        seed=1,
    )
    assert isinstance(model, Als)
    own = happened.pairs(USERS, PRODUCTS)
    solved, known = model.solve(own, model.seen)
    factors = model.product_factors.astype(np.float64)
    for user in range(USERS):
        has = own[[user]].toarray().ravel()
        confidence = np.where(has > 0, 3.0, 1.0)
        left = (factors.T * confidence) @ factors + 2.0 * np.eye(4)
        expected = np.linalg.solve(left, (factors.T * confidence) @ has)
        np.testing.assert_allclose(solved[user], expected, atol=1e-4)
    assert known.all()


@pytest.mark.parametrize("kind", ["ease", "als", "neighbours", "together"])
def test_a_source_proposes_the_rest_of_the_half_that_a_profile_points_to(
    kind: str, happened: Events
) -> None:
    """A visitor whom no model has seen, with two products of the first half."""
    model = fitted(kind, happened, {"within_minutes": 100_000.0} if kind == "together" else None)
    visit = events((0, 1, 1.0, "2026-03-30"), (0, 2, 1.0, "2026-03-30"))
    ask = question(visit, [0], (USERS, PRODUCTS), k=3, excluded=[(0, 1), (0, 2)])
    best = model.rank(ask).products[0]
    assert set(best.tolist()) <= {0, 3, 4, 5}


@pytest.mark.parametrize("kind", ["ease", "als", "neighbours", "together", "history", "category"])
def test_without_a_profile_a_source_proposes_nothing(kind: str, happened: Events) -> None:
    model = fitted(kind, happened)
    nobody = question(events(), [-1], (USERS, PRODUCTS), k=3)
    assert model.rank(nobody).products.tolist() == [[-1, -1, -1]]


def test_own_history_fades_by_half_in_a_half_life() -> None:
    mine = events(
        (0, 3, 4.0, "2026-03-21"),  # ten days ago: 2.0
        (0, 5, 1.5, "2026-03-31"),
        (0, 7, 1.0, "2026-03-31"),
        (0, 7, -2.0, "2026-03-31"),  # taken out of the cart again: nothing speaks for it
    )
    ranked = OwnHistory(10.0, SCALE).rank(question(mine, [0], (1, 9), k=4))
    assert ranked.products.tolist() == [[3, 5, -1, -1]]
    np.testing.assert_allclose(ranked.scores[0, :2], [2.0, 1.5])


def test_co_occurrence_counts_what_one_user_does_within_the_time() -> None:
    some = events(
        (0, 0, 1.0, "2026-03-01T10:00"),
        (0, 1, 1.0, "2026-03-01T10:01"),
        (0, 2, 1.0, "2026-03-01T12:00"),  # two hours later
        (1, 0, 1.0, "2026-03-02T10:00"),
        (1, 1, 1.0, "2026-03-02T10:02"),
        (2, 3, 1.0, "2026-03-02T10:02"),  # somebody else at the same time
    )
    found = similarities(some, products=4, within=np.timedelta64(5, "m")).toarray()
    # two co-occurrences over sqrt((2 + 5) * (2 + 5))
    np.testing.assert_allclose(found[0], [0, 2 / 7, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found, found.T)
    assert found[2].tolist() == found[3].tolist() == [0, 0, 0, 0]


def test_neighbours_are_the_users_with_the_most_in_common() -> None:
    some = events(
        *((0, product, 1.0, "2026-03-01") for product in (0, 1, 2)),
        *((1, product, 1.0, "2026-03-01") for product in (0, 1, 3)),
        *((2, product, 1.0, "2026-03-01") for product in (2, 4, 5)),
    )
    model = fitted("neighbours", some, {"nearest": 2}, users=3, products=6)
    ask = question(some, [0], (3, 6), k=2, excluded=[(0, 0), (0, 1), (0, 2)])
    # user 1 has two of three in common, user 2 has one: the nearest two are user 0 and user 1
    assert model.rank(ask).products.tolist() == [[3, -1]]


def test_a_category_counts_by_its_share_in_the_profile_and_a_product_within_it() -> None:
    some = events(
        *((user, 0, 1.0, "2026-03-30") for user in range(3)),
        (3, 1, 1.0, "2026-03-30"),
        *((user, 2, 1.0, "2026-03-30") for user in range(8)),
    )
    categories = np.array([0, 0, 1, 1])
    model = fitted("category", some, users=9, products=4, categories=categories)
    mine = events((8, 0, 3.0, "2026-03-31"), (8, 2, 1.0, "2026-03-31"))
    ranked = model.rank(question(mine, [8], (9, 4), k=4))
    # category 0 has 3/4 of the profile: 3/4 * 3/4 for product 0, 3/4 * 1/4 for 1; 1/4 * 1 for 2
    assert ranked.products.tolist() == [[0, 2, 1, -1]]
    np.testing.assert_allclose(ranked.scores[0, :3], [9 / 16, 1 / 4, 3 / 16])


def test_a_shop_with_one_category_has_no_use_for_category_shares(happened: Events) -> None:
    kind = KINDS.get("category")
    found = kind.fit(
        task(happened, categories=np.zeros(PRODUCTS, dtype=np.int64)),
        kind.parameters,
        progress=no_progress,
    )
    assert found is None


@pytest.mark.parametrize("kind", ["ease", "als", "neighbours", "together", "history", "category"])
def test_a_source_comes_back_from_disk_and_equal_fits_are_equal_bits(
    kind: str, happened: Events
) -> None:
    found = KINDS.get(kind)
    one, two = fitted(kind, happened), fitted(kind, happened)
    first, second = found.store(one), found.store(two)
    assert {name: array.tobytes() for name, array in first.arrays.items()} == {
        name: array.tobytes() for name, array in second.arrays.items()
    }
    back = found.restore(first)
    ask = question(happened, range(USERS), (USERS, PRODUCTS), k=5)
    np.testing.assert_array_equal(back.rank(ask).products, one.rank(ask).products)
    np.testing.assert_array_equal(back.rank(ask).scores, one.rank(ask).scores)
