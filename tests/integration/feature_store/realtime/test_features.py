"""State-based features against a count of all events by definition, and against SQL."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from feature_store.online.layout import ViewLayout, encode_value
from feature_store.online.redis import connect
from feature_store.online.resp import run_query
from feature_store.realtime.features import PRODUCT_FEATURES, PRODUCTS, USER_FEATURES, USERS
from feature_store.realtime.lookup import realtime_rows
from feature_store.realtime.reading import LISTED
from feature_store.realtime.trending import trending_products
from recomart import processes
from recomart.events import EVENT_TYPES, Event
from recomart.settings import Settings, load_settings
from streaming.received import Received
from streaming.state import Added, RealtimeState
from tests.oracles import realtime_features as oracle
from tests.oracles.random_events import random_events

NOW = datetime.now(UTC)
USER_IDS, PRODUCT_IDS = ["u1", "ü 2"], ["p1", "p2", "p'3", "p4"]
PRICES: dict[str, float | None] = {"p1": 1.5, "p2": 20.25, "p'3": None}
CATEGORIES = {"p1": "toys", "p2": "Bücher", "p'3": "toys"}
EDGES = [timedelta(0), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1)]
EDGES += [timedelta(hours=24), timedelta(minutes=-5)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    loaded = load_settings(shop="demo", lake=tmp_path_factory.mktemp("state") / "lake")
    yield loaded
    processes.stop_all(loaded)


@pytest.fixture(scope="module")
def client(server: Settings) -> redis.Redis:
    return connect(server)


def list_products(client: redis.Redis, project: str) -> None:
    """The catalogue as publish would leave it; p4 is not published."""
    layout = ViewLayout(project, "ftr_products", ("product_id",), LISTED)
    for product, price in PRICES.items():
        values = encode_value(price, "Float64"), encode_value(CATEGORIES[product], "String")
        client.hset(layout.key([product]), mapping=dict(zip(layout.fields, values, strict=True)))


instants = st.one_of(
    st.timedeltas(timedelta(minutes=-7), timedelta(hours=26)),
    st.timedeltas(timedelta(0), timedelta(minutes=40)),
    st.builds(
        lambda edge, off: edge + timedelta(microseconds=off),
        st.sampled_from(EDGES),
        st.integers(-1, 1),
    ),
).map(lambda ago: NOW - ago)


@st.composite
def deliveries(draw: st.DrawFn) -> list[Received]:
    """Events, some dated wrong or late, each delivered once or more, in any order."""
    count = draw(st.integers(1, 25))
    events = [
        Received(
            f"{number}-0",
            NOW,
            Event(
                event_id=f"e{number}",
                event_type=draw(st.sampled_from(EVENT_TYPES)),
                user_id=draw(st.sampled_from(USER_IDS)),
                product_id=draw(st.sampled_from([*PRODUCT_IDS, None])),
                session_id=draw(st.sampled_from(["s1", "s2", None])),
                occurred_at=draw(instants),
            ),
        )
        for number in range(count)
    ]
    again = draw(st.lists(st.sampled_from(events), max_size=10))
    return draw(st.permutations([*events, *again]))


@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(stream=deliveries(), ago=st.sampled_from([timedelta(0), *EDGES[1:4]]), cut=st.integers(1, 9))
def test_any_deliveries_in_any_order_give_the_features_by_definition(
    server: Settings, client: redis.Redis, stream: list[Received], ago: timedelta, cut: int
) -> None:
    client.flushdb()
    list_products(client, server.feast_project)
    state = RealtimeState(client, server)
    added = sum((state.add(stream[n : n + cut]) for n in range(0, len(stream), cut)), Added())
    events = oracle.counted(stream)
    as_of = NOW - ago

    rows = run_query(client, realtime_rows(server.feast_project, USER_IDS, PRODUCT_IDS, as_of))

    assert added.new == len(events)
    assert added.new + added.duplicates + added.late + added.ahead == len(stream)
    for place, user in enumerate(USER_IDS):
        found = {f.name: rows[USERS].columns[f.name][place] for f in USER_FEATURES}
        told = found.pop("rt_user_last_events")
        expected = oracle.of_user(events, user, as_of, PRICES, CATEGORIES)
        if expected is None:
            assert set(found.values()) == {None}
            continue
        assert _last(told) == expected.pop("last")
        assert found == expected
    for place, product in enumerate(PRODUCT_IDS):
        columns = rows[PRODUCTS].columns
        score = columns["rt_product_trending"][place]
        counts = {f.name: columns[f.name][place] for f in PRODUCT_FEATURES[:-1]}
        of_product = oracle.of_product(events, product, as_of)
        if of_product is None:
            assert {score, *counts.values()} == {None}
            continue
        assert score == pytest.approx(of_product.pop("rt_product_trending"), rel=1e-12)
        assert counts == of_product


def _last(told: Any) -> list[tuple[str, str | None, datetime]]:
    return [
        (e["event_type"], e["product_id"], datetime.fromisoformat(e["occurred_at"]))
        for e in json.loads(told)
    ]


def test_trending_is_the_order_of_all_scores(server: Settings, client: redis.Redis) -> None:
    """Scores of all products by definition, sorted; also long ago, when what came later counts
    for the candidates and must not for the score."""
    client.flushdb()
    stream = random_events(NOW, 4_000, seed=3)
    RealtimeState(client, server).add(stream)
    events = oracle.counted(stream)
    for as_of in (NOW, NOW - timedelta(minutes=59), NOW + timedelta(minutes=4)):
        scores = {
            product: of_product["rt_product_trending"]
            for product in {e.product_id for e in events if e.product_id}
            if (of_product := oracle.of_product(events, product, as_of))
        }
        expected = sorted(scores, key=lambda product: (-scores[product], product))
        for limit in (1, 10, 1_000):
            found = run_query(client, trending_products(server.feast_project, limit, as_of))
            assert [one.product_id for one in found] == expected[:limit]
            assert [one.score for one in found] == pytest.approx(
                [scores[product] for product in expected[:limit]], rel=1e-12
            )


def test_sql_over_the_events_gives_the_same_counts(server: Settings, client: redis.Redis) -> None:
    """The batch layer's meaning of a count, with the windows of the speed layer."""
    client.flushdb()
    dice = random.Random(11)
    events = random_events(NOW, 3_000, seed=5)
    stream = [*events, *dice.choices(events, k=300)]
    dice.shuffle(stream)
    RealtimeState(client, server).add(stream)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create table events (event_id text, event_type text, user_id text, product_id text, "
            "occurred_at timestamptz, received_at timestamptz)"
        )
        connection.executemany(
            "insert into events values (?, ?, ?, ?, ?, ?)",
            [
                (
                    one.event.event_id,
                    one.event.event_type,
                    one.event.user_id,
                    one.event.product_id,
                    one.event.occurred_at,
                    one.received_at,
                )
                for one in stream
            ],
        )
        connection.execute(
            "create view counted as select distinct * from events where occurred_at between "
            "received_at - interval 24 hour and received_at + interval 5 minute"
        )
        of_users = connection.execute(
            """
            select
                user_id,
                count(*) filter (
                    where event_type = 'view' and occurred_at > $1 - interval 5 minute
                ) as views_5m,
                count(*) filter (
                    where event_type = 'add_to_cart' and occurred_at > $1 - interval 30 minute
                ) as carts_30m,
                count(*) filter (where event_type = 'purchase') as purchases_24h
            from counted
            where occurred_at > $1 - interval 24 hour and occurred_at <= $1
            group by all
            order by user_id
            """,
            [NOW],
        ).fetchall()
        of_products = connection.execute(
            """
            with minutes as (
                select *, date_diff('minute', occurred_at, $1) as age from counted
            )
            select
                product_id,
                count(*) filter (where event_type = 'view' and age < 60) as views_1h,
                count(*) filter (where event_type = 'purchase') as purchases_24h
            from minutes
            where age >= 0 and age < 1440
            and event_type in ('view', 'add_to_cart', 'purchase')
            and product_id is not null
            group by all
            order by product_id
            """,
            [NOW],
        ).fetchall()
    users, products = [row[0] for row in of_users], [row[0] for row in of_products]
    rows = run_query(client, realtime_rows(server.feast_project, users, products, NOW))

    for view, expected, names in (
        (USERS, of_users, ("rt_user_views_5m", "rt_user_carts_30m", "rt_user_purchases_24h")),
        (PRODUCTS, of_products, ("rt_product_views_1h", "rt_product_purchases_24h")),
    ):
        columns = [rows[view].columns[name] for name in names]
        assert list(zip(*columns, strict=True)) == [row[1:] for row in expected]
        assert len(expected) > 30
