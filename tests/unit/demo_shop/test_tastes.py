from datetime import date

import numpy as np
import pytest

from demo_shop.plan import DAYS, Plan
from demo_shop.tastes import PRICE_WEIGHT, Tastes
from demo_shop.world import World, make_world


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(Plan(1.0, 7, date(2026, 3, 31)))


def test_equal_seeds_give_equal_tastes_whatever_the_dates(world: World) -> None:
    later = make_world(Plan(1.0, 7, date(2026, 8, 1))).tastes
    other = make_world(Plan(1.0, 8, date(2026, 3, 31))).tastes
    assert np.array_equal(world.tastes.early, later.early)
    assert np.array_equal(world.tastes.products, later.products)
    assert not np.array_equal(world.tastes.early, other.early)


def test_affinity_is_the_match_of_both_vectors_and_of_the_price() -> None:
    tastes = _tastes(
        common=np.array([[1.0, 0.0]]),
        early=np.array([[0.0, 2.0]]),
        late=np.array([[0.0, -9.0]]),
        budget=np.array([0.5]),
        products=np.array([[0.5, 0.25], [0.5, 0.25]]),
        level=np.array([0.5, 1.0]),
    )
    affinity = tastes.affinity(np.array([0]), np.array([[0, 1]]), day=0)
    # 1 * 0.5 + 2 * 0.25 = 1; the first price is what the user looks for, the second is 0.5 away
    assert affinity[0] == pytest.approx([1 + 0.3 * PRICE_WEIGHT, 1 - 0.2 * PRICE_WEIGHT])


def test_tastes_drift_slowly(world: World) -> None:
    users = np.arange(len(world.people.ids))
    first, next_week, last = (
        world.tastes.category_affinity(users, day).ravel() for day in (0, 7, DAYS - 1)
    )
    assert np.corrcoef(first, next_week)[0, 1] > 0.99
    assert 0.4 < np.corrcoef(first, last)[0, 1] < 0.9


def test_ratings_follow_taste_and_stay_on_the_scale(world: World) -> None:
    rng = np.random.default_rng(1)
    users = rng.integers(0, len(world.people.ids), 20_000)
    products = rng.integers(0, len(world.catalogue.ids), 20_000)
    stars = world.tastes.stars(rng, users, products, day=60)
    affinity = world.tastes.affinity(users, products[:, None], 60)[:, 0]
    assert set(stars.tolist()) == {1, 2, 3, 4, 5}
    assert np.corrcoef(stars, affinity)[0, 1] > 0.75


def _tastes(**given: np.ndarray) -> Tastes:
    unused = {"leniency": np.zeros(1), "categories": np.zeros((1, 2)), "quality": np.zeros(2)}
    return Tastes(**(unused | given))
