"""Real-time features through Feast and through our own lookup, over state on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feature_store.online.lookup import OnlineFeatures, Status
from feature_store.online.lookup_async import AsyncOnlineFeatures
from feature_store.online.redis import connect
from feature_store.publish.publisher import publish
from feature_store.realtime.features import (
    FEATURES,
    PRODUCT_FEATURES,
    PRODUCTS,
    USER_FEATURES,
    USERS,
)
from feature_store.stores import open_store
from recomart import processes
from recomart.errors import OneWriter
from recomart.events import Event
from recomart.settings import Settings, load_settings
from streaming.received import Received
from streaming.state import RealtimeState

NOW = datetime.now(UTC).replace(microsecond=0)
CLICKS: tuple[tuple[str, str, str | None, str | None, timedelta], ...] = (
    ("u1", "view", "p1", "s1", timedelta(hours=3)),
    ("u1", "add_to_cart", "p1", "s2", timedelta(minutes=20)),
    ("u1", "add_to_cart", "p2", "s2", timedelta(minutes=12)),
    ("u1", "add_to_cart", "p2", "s2", timedelta(minutes=11, microseconds=1)),
    ("u1", "remove_from_cart", "p1", "s2", timedelta(minutes=4)),
    ("u1", "view", "p4", "s2", timedelta(seconds=1)),
    ("u1", "impression", "p3", "s2", timedelta(0)),
    ("u2", "purchase", "p9", None, timedelta(hours=5)),
    ("u2", "add_to_cart", "p5", None, timedelta(minutes=1)),
    ("u3", "view", "p1", "s4", timedelta(minutes=-1)),
)


@pytest.fixture(scope="module")
def clicked(tmp_path_factory: pytest.TempPathFactory, filled_warehouse) -> Iterator[Settings]:
    """A published lake whose speed layer took CLICKS. Read it, do not change it."""
    settings = load_settings(shop="demo", lake=tmp_path_factory.mktemp("clicked") / "lake")
    filled_warehouse.copy_to(settings)
    publish(settings)
    RealtimeState(connect(settings), settings).add(
        [
            Received(
                f"{number}-0",
                NOW,
                Event(
                    event_id=f"e{number}",
                    event_type=kind,
                    user_id=user,
                    product_id=product,
                    session_id=session,
                    occurred_at=NOW - ago,
                ),
            )
            for number, (user, kind, product, session, ago) in enumerate(CLICKS)
        ]
    )
    yield settings
    processes.stop_all(settings)


def by_feast(settings: Settings, rows: list[dict[str, Any]]) -> dict[str, list]:
    store = open_store(settings)
    service = store.get_feature_service("recommendation_rt_v1")
    return store.get_online_features(features=service, entity_rows=rows).to_dict()


def test_the_service_gives_all_features_at_the_asked_instant(clicked: Settings) -> None:
    found = by_feast(clicked, [{"user_id": "u1", "product_id": "p1", "as_of": NOW}])

    expected = {
        "rt_user_views_5m": 1,
        "rt_user_views_24h": 2,
        "rt_user_carts_5m": 0,
        "rt_user_carts_30m": 3,
        "rt_user_removals_5m": 1,
        "rt_user_impressions_5m": 1,
        "rt_user_last_product_id": "p4",
        "rt_user_last_category": "toys",  # category of p4: 4 % 3 == 1
        "rt_user_session_seconds": 1_200.0,
        "rt_user_cart_value": 2 * (9.99 + 2),
        "rt_product_views_1h": 0,
        "rt_product_views_24h": 1,
        "rt_product_carts_1h": 1,
    }
    assert {name: found[name][0] for name in expected} == expected
    told = json.loads(found["rt_user_last_events"][0])
    assert [(e["event_type"], e["product_id"]) for e in told[:2]] == [
        ("impression", "p3"),
        ("view", "p4"),
    ]
    assert set(found) == {
        "user_id",
        "product_id",
        *(f.name for fs in FEATURES.values() for f in fs),
    }


def test_feast_and_our_lookup_agree(clicked: Settings) -> None:
    products = [f"p{n}" for n in range(10)]
    lookup = OnlineFeatures(clicked, deadline=10)
    for user in ("u1", "u2", "u3", "nobody"):
        for ago in (timedelta(0), timedelta(minutes=7), timedelta(minutes=-3)):
            as_of = NOW - ago
            feast = by_feast(
                clicked, [{"user_id": user, "product_id": p, "as_of": as_of} for p in products]
            )
            ours = lookup.read_views({USERS: [user], PRODUCTS: products}, as_of)
            for feature in PRODUCT_FEATURES:
                assert ours[PRODUCTS].columns[feature.name] == feast[feature.name], feature.name
            for feature in USER_FEATURES:
                (value,) = ours[USERS].columns[feature.name]
                assert feast[feature.name] == [value] * len(products), feature.name


def test_one_call_joins_what_is_published_and_what_has_just_happened(clicked: Settings) -> None:
    asked = {
        "ftr_users": ["u1"],
        "ftr_products": ["p1", "p4"],
        USERS: ["u1"],
        PRODUCTS: ["p1", "p4"],
    }
    lookup = OnlineFeatures(clicked, deadline=10)
    together = lookup.read_views(asked, NOW)

    assert list(together) == list(asked)
    assert together["ftr_products"].columns["product_price"] == [pytest.approx(10.99), 13.99]
    assert together[PRODUCTS].columns["rt_product_views_1h"] == [0, 1]
    apart = {view: lookup.read(view, keys, NOW).columns for view, keys in asked.items()}
    assert {view: rows.columns for view, rows in together.items()} == apart


def test_the_lookup_on_asyncio_agrees(clicked: Settings) -> None:
    asked = {"ftr_users": ["u1"], USERS: ["u1"], PRODUCTS: ["p1", "p9"]}

    async def ask() -> tuple[dict[str, Any], list]:
        lookup = AsyncOnlineFeatures(clicked, deadline=10)
        rows, trending = await lookup.read_views(asked, NOW), await lookup.trending(3, NOW)
        await lookup.close()
        return {view: found.columns for view, found in rows.items()}, trending

    lookup = OnlineFeatures(clicked, deadline=10)
    expected = {v: r.columns for v, r in lookup.read_views(asked, NOW).items()}
    assert asyncio.run(ask()) == (expected, lookup.trending(3, NOW))


def test_feast_on_asyncio_reads_the_same_state(clicked: Settings) -> None:
    store = open_store(clicked)
    rows = [{"user_id": "u2", "product_id": "p9", "as_of": NOW}]
    service = store.get_feature_service("recommendation_rt_v1")

    found = asyncio.run(store.get_online_features_async(features=service, entity_rows=rows))
    assert found.to_dict() == by_feast(clicked, rows)


def test_a_missing_price_makes_the_cart_value_null(clicked: Settings) -> None:
    """u2 has p5 in the cart, which has no price; the purchase of p9 was hours before."""
    rows = OnlineFeatures(clicked, deadline=10).read(USERS, ["u2"], NOW)

    assert rows.columns["rt_user_cart_value"] == [None]
    assert rows.statuses("rt_user_cart_value") == [Status.NULL]
    assert rows.columns["rt_user_session_seconds"] == [0.0]
    assert rows.columns["rt_user_purchases_24h"] == [1]


def test_statuses_tell_the_unknown_and_the_silent_speed_layer(clicked: Settings) -> None:
    lookup = OnlineFeatures(clicked, deadline=10)
    state = RealtimeState(connect(clicked), clicked)
    state.heartbeat()
    rows = lookup.read(USERS, ["u1", "nobody", "u3"], NOW)
    assert rows.statuses("rt_user_views_24h") == [
        Status.PRESENT,
        Status.NOT_FOUND,
        Status.NOT_FOUND,  # its only event is a minute after NOW
    ]
    assert rows.age[0] == 0.0

    client = connect(clicked)
    silent = int((NOW - timedelta(minutes=2)).timestamp() * 1e6)
    client.hset("recomart:recomart_demo:rt:stats", "received_until", silent)
    assert lookup.read(USERS, ["u1"], NOW).statuses("rt_user_views_24h") == [Status.STALE]
    state.heartbeat()


def test_an_instant_whose_state_has_expired_is_refused(clicked: Settings) -> None:
    with pytest.raises(ValueError, match="are no longer available"):
        OnlineFeatures(clicked, deadline=10).read(USERS, ["u1"], NOW - timedelta(days=3))
    found = by_feast(
        clicked, [{"user_id": "u1", "product_id": "p1", "as_of": NOW - timedelta(days=3)}]
    )
    assert found["rt_user_views_24h"] == found["rt_product_views_24h"] == [None]


def test_everything_of_a_user_includes_what_has_just_happened(clicked: Settings) -> None:
    values = {v.feature: v for v in OnlineFeatures(clicked, deadline=10).user("u1")}

    assert values["rt_user_carts_24h"].value == 3
    assert values["rt_user_carts_24h"].view == USERS
    assert values["user_views_7d"].view == "ftr_users"


def test_pushing_to_a_realtime_view_is_refused(clicked: Settings) -> None:
    import pandas as pd

    row = {"user_id": ["u1"], "rt_user_state": ["{}"], "event_timestamp": [pd.Timestamp(NOW)]}
    with pytest.raises(OneWriter, match="rt_users is written by the speed layer alone"):
        open_store(clicked).push("rt_users_stream", pd.DataFrame(row))


def test_recommendation_v1_has_none_of_it(clicked: Settings) -> None:
    store = open_store(clicked)
    service = store.get_feature_service("recommendation_v1")
    names = {f.name for p in service.feature_view_projections for f in p.features}

    assert "product_price" in names
    assert not {n for n in names if n.startswith("rt_")} | {"product_category"} & names


def test_a_snapshots_own_registry_knows_the_service(clicked: Settings) -> None:
    from feature_store.snapshots import current_snapshot

    store = open_store(clicked, current_snapshot(clicked))
    assert store.get_feature_service("recommendation_rt_v1").feature_view_projections


def test_the_command_line_shows_what_has_just_happened(clicked: Settings) -> None:
    for kind, name, carts in (("user", "u1", "3"), ("product", "p1", "1")):
        done = subprocess.run(
            [sys.executable, "-m", "orchestration", "features", kind, name],
            env={**os.environ, **clicked.environment(), "COLUMNS": "160"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        shown = {row.split()[1]: row.split()[2:] for row in done.stdout.splitlines()[2:]}
        assert shown[f"rt_{kind}_carts_24h"][0] == carts
