"""The demo shop's visitors of today have the tastes of its history."""

from collections import Counter
from datetime import date
from itertools import islice

import numpy as np
import pytest

from demo_shop import visitors
from demo_shop.plan import DAYS, Plan
from demo_shop.visitors import Visit
from demo_shop.visits import Shelves
from demo_shop.world import World, make_world
from recomart.events import EVENT_TYPES


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(Plan(scale=0.2, seed=7, end_date=date(2026, 3, 31)))


@pytest.fixture(scope="module")
def visits(world: World) -> list[Visit]:
    return list(islice(visitors(world, seed=1), 1000))


def test_equal_seeds_give_equal_visits_and_others_others(world: World, visits: list[Visit]) -> None:
    assert list(islice(visitors(world, seed=1), 1000)) == visits
    assert list(islice(visitors(world, seed=2), 1000)) != visits


def test_a_visit_is_in_the_order_of_time_and_its_words_are_those_of_the_schema(
    visits: list[Visit],
) -> None:
    for visit in visits:
        assert len(visit.seconds) == len(visit.event_types) == len(visit.product_ids) >= 1
        assert list(visit.seconds) == sorted(visit.seconds)
    kinds = Counter(kind for visit in visits for kind in visit.event_types)
    assert set(kinds) == set(EVENT_TYPES)
    assert kinds["view"] > kinds["add_to_cart"] > kinds["purchase"] > 0
    carts_left = sum(
        "add_to_cart" in v.event_types and "purchase" not in v.event_types for v in visits
    )
    assert carts_left > 0


def test_what_is_bought_was_put_into_the_cart_before(visits: list[Visit]) -> None:
    for visit in visits:
        happened = list(zip(visit.event_types, visit.product_ids, strict=True))
        for place, (kind, product) in enumerate(happened):
            if kind == "purchase":
                assert ("add_to_cart", product) in happened[:place]


def test_visitors_look_at_what_they_like_more_than_at_what_is_popular(
    world: World, visits: list[Visit]
) -> None:
    """Affinity has a spread near 1 over users and products. What is drawn by popularity alone, for
    the same users, has a mean of its own; what they look at lies well above, what they buy further.
    """
    place = {product: number for number, product in enumerate(world.catalogue.ids.tolist())}
    user = {name: number for number, name in enumerate(world.people.ids.tolist())}

    def affinity(kind: str) -> np.ndarray:
        pairs = [
            (user[visit.user_id], place[product])
            for visit in visits
            for k, product in zip(visit.event_types, visit.product_ids, strict=True)
            if k == kind
        ]
        users, products = np.array(pairs).T
        return world.tastes.affinity(users, products[:, None], DAYS - 1)[:, 0]

    shelves = Shelves.on(world.catalogue, DAYS - 1)
    users = np.array([user[visit.user_id] for visit in visits])
    drawn = shelves.draw(np.random.default_rng(0), world.catalogue.starts, np.full(len(users), -1))
    chance = world.tastes.affinity(users, drawn, DAYS - 1)
    assert affinity("view").mean() > chance.mean() + 0.7
    assert affinity("purchase").mean() > affinity("view").mean()


def test_who_comes_are_the_active_users(world: World, visits: list[Visit]) -> None:
    activity = world.people.activity(DAYS - 1)
    known = {name: number for number, name in enumerate(world.people.ids.tolist())}
    came = np.array([known[visit.user_id] for visit in visits])
    assert activity[came].min() > 0
    assert activity[came].mean() > 1.5 * activity.mean()
