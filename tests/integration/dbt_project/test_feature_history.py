"""The feature tables against brute force (tests/oracles/batch_features.py), and in time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from recomart.events import EVENT_TYPES
from tests.oracles.batch_features import (
    Fact,
    World,
    product_features,
    user_category_features,
    user_features,
)
from tests.oracles.raw_tables import RawShop

FIRST = datetime(2024, 2, 20)  # so that the leap day lies in every window
DAYS = [0, 1, 6, 7, 8, 9, 10, 16, 17, 29, 30, 31, 38, 60, 90, 91, 99, 100, 130]
QUIET_DAYS = [0, 8, 98, 99]  # 90 and 91 days apart with nothing between
TIMES = [
    timedelta(),
    timedelta(microseconds=1),
    timedelta(hours=12),
    timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999),
]
USERS = [f"u{n}" for n in range(6)] * 4 + [f"quiet{n}" for n in range(10)]
PRODUCTS = [f"p{n}" for n in range(8)]
CATEGORIES = {
    "p0": "a",
    "p1": "a",
    "p2": "b",
    "p3": "b",
    "p4": "b",
    "p5": "a",
}  # p6, p7: not listed
PRICES = {
    "p0": Decimal("1.25"),
    "p1": Decimal("3"),
    "p2": Decimal("2"),
    "p3": Decimal("2"),
    "p4": None,
    "p5": Decimal("0.1"),
}
SCALE = [Decimal("1"), Decimal("3.5"), Decimal("5")]


def _world(draw: Random, sells: bool) -> World:
    """Some 300 facts that crowd the borders of days and windows, and users without any."""

    def moment(user: str) -> datetime:
        days = QUIET_DAYS if user.startswith("quiet") else DAYS
        return FIRST + timedelta(days=draw.choice(days)) + draw.choice(TIMES)

    def event() -> Fact:
        user, product = draw.choice(USERS), draw.choice([*PRODUCTS, None])
        return Fact(draw.choice(EVENT_TYPES), user, product, moment(user), is_event=True)

    def line(number: int) -> Fact:
        # an order is one user's, and its lines may lie on several days
        user = draw.choice(USERS)
        return Fact(
            "purchase",
            user,
            draw.choice(PRODUCTS),
            moment(user),
            order_id=f"{user}-{draw.randrange(4)}",
            line_no=number,
            quantity=draw.choice([Decimal("1"), Decimal("2.5")]),
            unit_price=draw.choice([Decimal("0.99"), None]),
        )

    raters = [draw.choice(USERS) for _ in range(50)]
    rated = {(user, draw.choice(PRODUCTS), moment(user)) for user in raters}
    facts = [event() for _ in range(200)]
    facts += [Fact("rating", *key, rating=draw.choice(SCALE)) for key in sorted(rated)]
    facts += [line(number) for number in range(80 * sells)]
    signed_up = {
        user: draw.choice([None, moment(user)])
        for user in dict.fromkeys([*USERS, "idle", "idle_too", "idle_three"])
    }
    return World(tuple(facts), signed_up, dict(CATEGORIES), dict(PRICES))


def _raw(world: World) -> RawShop:
    rows: dict[str, list[dict]] = {
        "users": [{"user_id": u, "signed_up_at": at} for u, at in world.signed_up.items()],
        "products": [
            {"product_id": p, "category": c, "price": world.prices[p]}
            for p, c in world.categories.items()
        ],
        "ratings": [],
        "transactions": [],
        "events": [],
    }
    for number, fact in enumerate(world.facts):
        common = {"user_id": fact.user_id, "product_id": fact.product_id}
        if fact.is_event:
            own = {"event_id": number, "event_type": fact.kind, "occurred_at": fact.at}
            rows["events"].append(common | own)
        elif fact.rating is not None:
            rows["ratings"].append(common | {"rating": fact.rating, "rated_at": fact.at})
        else:
            own = {"order_id": fact.order_id, "line_no": fact.line_no, "quantity": fact.quantity}
            own |= {"unit_price": fact.unit_price, "ordered_at": fact.at}
            rows["transactions"].append(common | own)
    # products that the catalogue lacks are bought all the same
    return RawShop(rows, declared={"unknown_references": "keep"})


class _Table:
    """A feature table: the newest row of a key at or before an instant."""

    def __init__(self, rows: list[tuple], names: list[str], keys: int) -> None:
        self._names = names[keys + 2 :]
        self._rows: dict[tuple, list[tuple[datetime, tuple]]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row[: keys + 1]):
            self._rows[row[:keys]].append((row[keys], row[keys + 2 :]))

    def __iter__(self):
        return iter(self._rows)

    def at(self, key: tuple, instant: datetime) -> dict[str, object] | None:
        rows = self._rows.get(key, [])
        place = bisect_right([when for when, _ in rows], instant)
        return dict(zip(self._names, rows[place - 1][1], strict=True)) if place else None


def _table(read, lake, name: str, keys: int) -> _Table:
    names = [row[0] for row in read(lake, f"select column_name from (describe features.{name})")]
    return _Table(read(lake, f"from features.{name}"), names, keys)


def _instants(world: World) -> list[datetime]:
    """Noon of every day from before the first to as_of's."""
    days = (world.as_of.date() - FIRST.date()).days
    noon = FIRST + timedelta(hours=12)
    return [noon + timedelta(days=n) for n in range(-1, days + 1)]


# One build serves thousands of lookups, so few examples are many cases.
@pytest.mark.parametrize("sells", [True, False], ids=["transactions", "events_only"])
@settings(max_examples=1, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_a_lookup_at_any_instant_equals_a_brute_force_count(
    dbt, read, sells: bool, seed: int
) -> None:
    world = _world(Random(seed), sells)
    lake = dbt.build(_raw(world), tested=False)
    by_user = _table(read, lake, "ftr_users", 1)
    by_product = _table(read, lake, "ftr_products", 1)
    by_category = _table(read, lake, "ftr_user_categories", 2)
    assert {key[0] for key in by_user} == {*world.signed_up, *(f.user_id for f in world.facts)}
    for instant in _instants(world):
        day = instant.date()
        for user in world.signed_up:
            assert by_user.at((user,), instant) == user_features(world, user, day), (user, day)
            for category in ("a", "b", "unknown"):
                expected = user_category_features(world, user, category, day)
                assert by_category.at((user, category), instant) == expected
        for product in PRODUCTS:
            assert by_product.at((product,), instant) == product_features(world, product, day)


def _small_world() -> World:
    """Three months of two users, every third day, at noon."""
    facts = []
    for number in range(0, 90, 3):
        at = FIRST + timedelta(days=number, hours=12)
        user, product = USERS[number % 2], PRODUCTS[number % 5]
        facts.append(Fact("view", user, product, at, is_event=True))
        facts.append(Fact("rating", user, product, at, rating=Decimal(1 + number % 5)))
    signed_up = {"u0": FIRST - timedelta(days=2), "u1": FIRST + timedelta(days=40)}
    return World(tuple(facts), signed_up, dict(CATEGORIES), dict(PRICES))


@pytest.fixture(scope="module")
def lake_of_small_world(dbt) -> Path:
    return dbt.build(_raw(_small_world()), tested=False)


def test_no_row_knows_its_own_future(dbt, lake_of_small_world) -> None:
    whole = _small_world()
    cut = datetime(2024, 4, 1)
    past = World(
        tuple(f for f in whole.facts if f.at < cut),
        {u: at for u, at in whole.signed_up.items() if at and at < cut},
        whole.categories,
        whole.prices,
    )
    rows_of_whole = dbt.contents(lake_of_small_world, "features")
    rows_of_past = dbt.contents(dbt.build(_raw(past), tested=False), "features")
    for table in ("ftr_users", "ftr_products", "ftr_user_categories"):
        when = 2 if table == "ftr_user_categories" else 1
        rows = rows_of_whole[f"features.{table}"]
        assert rows_of_past[f"features.{table}"] == [r for r in rows if r[when] <= past.as_of]
        assert rows_of_past[f"features.{table}"]


def test_two_builds_are_equal(dbt, lake_of_small_world) -> None:
    before = dbt.contents(lake_of_small_world, "intermediate", "marts", "features")
    dbt.rebuild(lake_of_small_world, tested=False)
    assert dbt.contents(lake_of_small_world, "intermediate", "marts", "features") == before
    assert len(before) > 20
