"""The lookup and the bulk writer against Feast's own online store, and against a Redis in trouble."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import redis
import time_machine

from feature_store.derivation import DERIVED_FEATURES
from feature_store.online.layout import ViewLayout
from feature_store.online.lookup import OnlineFeatures, Status
from feature_store.online.redis import connect, start_embedded
from feature_store.online.writer import write_rows
from feature_store.publish.publisher import publish
from feature_store.stores import open_store
from recomart import processes
from recomart.errors import NothingPublished, RedisUnavailable
from recomart.settings import Settings

ENTITIES = {
    "ftr_users": [{"user_id": f"u{n}"} for n in (0, 1, 3, 4, 11)] + [{"user_id": "nobody"}],
    "ftr_products": [{"product_id": f"p{n}"} for n in (0, 5, 14)] + [{"product_id": "pö"}],
    "ftr_user_categories": [
        {"user_id": "u2", "category": "Bücher"},
        {"user_id": "u2", "category": "unknown"},
        {"user_id": "u0", "category": "toys"},
    ],
}


@pytest.mark.parametrize("view", ENTITIES)
def test_lookup_agrees_with_get_online_features(published: Settings, view: str) -> None:
    store = open_store(published)
    names = [feature.name for feature in store.get_feature_view(view).features]
    expected = store.get_online_features(
        features=[f"{view}:{name}" for name in names], entity_rows=ENTITIES[view]
    ).to_dict()

    rows = OnlineFeatures(published).read(view, ENTITIES[view])

    assert set(rows.columns) == set(names)
    kinds = dict(rows.heartbeat.layout.features)
    for name in names:
        ours = [
            datetime.fromtimestamp(value, UTC)
            if kinds[name] == "UnixTimestamp" and value is not None
            else value
            for value in rows.columns[name]
        ]
        assert ours == expected[name], name
    statuses = {status for name in names for status in rows.statuses(name)}
    assert {Status.PRESENT, Status.NOT_FOUND} <= statuses


@pytest.mark.parametrize("user", ["u7", "u4", "nobody"])
def test_serving_frame_agrees_with_feast_on_stored_and_derived_features(
    published: Settings, user: str
) -> None:
    products, categories = ["p1", "p5", "gone"], ["toys", "Bücher", "Bücher"]
    as_of = datetime(2024, 4, 25, 12, tzinfo=UTC)
    store = open_store(published)
    expected = store.get_online_features(
        features=store.get_feature_service("recommendation_v1"),
        entity_rows=[
            {"user_id": user, "product_id": product, "category": category, "as_of": as_of}
            for product, category in zip(products, categories, strict=True)
        ],
    ).to_df()

    frame = OnlineFeatures(published).serving_frame(user, products, categories)

    assert set(frame.columns) == set(expected.columns)
    for name in frame.columns:
        ours, theirs = frame[name], expected[name]
        if pd.api.types.is_datetime64_any_dtype(ours):
            theirs = pd.to_datetime(theirs, utc=True).dt.tz_localize(None)
            assert ours.fillna(pd.Timestamp(0)).tolist() == theirs.fillna(pd.Timestamp(0)).tolist()
        elif pd.api.types.is_numeric_dtype(ours):
            np.testing.assert_array_equal(ours, theirs.astype("float64"), err_msg=name)
        else:
            assert ours.tolist() == theirs.tolist()


def test_history_and_online_lookup_derive_the_same(published: Settings) -> None:
    as_of = datetime(2024, 4, 25, 12, tzinfo=UTC)
    labels = pd.DataFrame(
        {
            "user_id": ["u7", "u7"],
            "product_id": ["p1", "gone"],
            "category": ["toys", "Bücher"],
            "event_timestamp": pd.Timestamp(as_of),
            "as_of": pd.Timestamp(as_of),
        }
    )
    store = open_store(published)
    history = store.get_historical_features(
        entity_df=labels, features=store.get_feature_service("recommendation_v1")
    ).to_df()

    online = OnlineFeatures(published).serving_frame(
        "u7", labels["product_id"].tolist(), labels["category"].tolist()
    )

    for name in DERIVED_FEATURES:
        np.testing.assert_array_equal(online[name], history[name].astype("float64"), err_msg=name)
    assert math.isclose(online["product_age_days"][0], 115.0)


def test_values_say_present_null_or_not_found(published: Settings) -> None:
    lookup = OnlineFeatures(published)
    known = {value.feature: value for value in lookup.user("u0")}
    unknown = {value.feature: value for value in lookup.user("nobody")}

    assert known["user_views_7d"].status is Status.PRESENT
    assert known["user_spend_90d"].status is Status.NULL
    assert known["user_tenure_days"].status is Status.NULL  # never signed up
    assert {value.status for value in unknown.values()} == {Status.NOT_FOUND}
    assert all(value.value is None and value.age is None for value in unknown.values())
    assert known.keys() == unknown.keys()


def test_a_product_shows_its_own_features_and_what_derives_from_them(published: Settings) -> None:
    values = {value.feature: value for value in OnlineFeatures(published).product("p1")}

    assert values["product_price"].value == 10.99
    assert values["product_first_seen_at"].value == datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert values["product_age_days"].value == 115.0
    assert "user_views_7d" not in values
    assert "user_category_share_90d" not in values


def test_age_runs_by_the_shops_clock_from_the_rows_event_timestamp(published: Settings) -> None:
    lookup = OnlineFeatures(published)
    published_at = lookup.publication().published_at

    with time_machine.travel(published_at + timedelta(hours=1), tick=False):
        rows = lookup.read("ftr_users", ["u1"])

    # the row is of 20 April, the clock stood at 25 April 12:00, and went on for an hour
    assert rows.age[0] == pytest.approx(timedelta(days=5, hours=13).total_seconds())


def test_values_are_stale_when_the_last_publish_is_too_old(published: Settings) -> None:
    lookup = OnlineFeatures(published)
    published_at = lookup.publication().published_at
    for hours, expected in ((47, Status.PRESENT), (49, Status.STALE)):
        with time_machine.travel(published_at + timedelta(hours=hours), tick=False):
            rows = lookup.read("ftr_users", ["u0", "nobody"])
        assert rows.statuses("user_views_7d") == [expected, Status.NOT_FOUND]
        assert rows.statuses("user_spend_90d") == [Status.NULL, Status.NOT_FOUND]


def test_keys_that_do_not_fit_the_view_are_refused(published: Settings) -> None:
    lookup = OnlineFeatures(published)
    with pytest.raises(ValueError, match="user_id, category is wanted"):
        lookup.read("ftr_user_categories", ["u1"])
    with pytest.raises(ValueError, match="user_id is wanted"):
        lookup.read("ftr_users", [{"product_id": "p1"}])


def test_no_keys_give_no_rows(published: Settings) -> None:
    rows = OnlineFeatures(published).read("ftr_users", [])

    assert rows.statuses("user_views_7d") == []
    assert len(rows.age) == 0


def test_an_unknown_view_is_named(published: Settings) -> None:
    with pytest.raises(NothingPublished, match="ftr_nothing"):
        OnlineFeatures(published).read("ftr_nothing", ["a"])


def test_before_the_first_publish_the_lookup_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(NothingPublished) as caught:
        OnlineFeatures(settings).user("u1")

    assert "recomart publish" in (caught.value.help or "")
    assert not settings.lake.exists(), "and it starts no server to find that out"


def test_a_redis_of_ones_own_without_features_says_so_too(settings: Settings) -> None:
    port = start_embedded(settings).port
    mine = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"})

    with pytest.raises(NothingPublished, match="nothing is published to Redis for shop 'demo'"):
        OnlineFeatures(mine).product("p1")


def test_a_lookup_that_was_open_sees_a_publish_with_other_features(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    lookup = OnlineFeatures(settings)
    before = lookup.read("ftr_users", ["u1"])

    feature_warehouse.execute("alter table features.ftr_users drop column user_spend_90d")
    feature_warehouse.write_manifest(without=("user_spend_90d",))
    publish(settings)
    after = lookup.read("ftr_users", ["u1"])

    assert before.columns.keys() - after.columns.keys() == {"user_spend_90d"}
    assert after.columns["user_views_7d"] == before.columns["user_views_7d"]


@pytest.fixture
def frozen_redis(feature_warehouse) -> Iterator[Settings]:
    """A lake with features in a Redis that does not answer any more."""
    settings = feature_warehouse.settings
    publish(settings)
    server = processes.running(settings, "redis")
    assert server
    os.kill(server.pid, signal.SIGSTOP)
    yield settings
    os.kill(server.pid, signal.SIGCONT)


def test_a_frozen_redis_is_an_error_within_the_deadline(frozen_redis: Settings) -> None:
    lookup = OnlineFeatures(frozen_redis, deadline=0.3)
    start = time.monotonic()
    with pytest.raises(RedisUnavailable, match=r"0\.3 s"):
        lookup.user("u1")

    assert time.monotonic() - start < 0.45


def test_a_redis_that_freezes_between_two_lookups_is_an_error_too(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    lookup = OnlineFeatures(settings, deadline=0.3)
    expected = lookup.user("u1")
    server = processes.running(settings, "redis")
    assert server
    os.kill(server.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        with pytest.raises(RedisUnavailable):
            lookup.user("u1")
        assert time.monotonic() - start < 0.45
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert [value.value for value in lookup.user("u1")] == [value.value for value in expected]


def test_the_lookup_imports_neither_feast_nor_other_slow_libraries() -> None:
    code = (
        "import sys, feature_store.online.lookup; "
        "print([m for m in ('feast', 'dbt', 'mlflow', 'pandas', 'pyarrow', 'duckdb') "
        "if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"


def test_a_url_with_password_and_database_serves_feast_and_lookup(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    client = connect(settings)
    port = start_embedded(settings).port
    client.config_set("requirepass", "a,b=c@d")
    secured = settings.model_copy(
        update={"redis_url": f"redis://:a%2Cb%3Dc%40d@127.0.0.1:{port}/3"}
    )

    publish(secured)

    row = open_store(secured).get_online_features(
        features=["ftr_users:user_views_7d"], entity_rows=[{"user_id": "u1"}]
    )
    assert row.to_dict()["user_views_7d"] == [6]
    assert OnlineFeatures(secured).read("ftr_users", ["u1"]).columns["user_views_7d"] == [6]


def test_bulk_writes_give_the_bytes_of_feasts_own_store(published: Settings) -> None:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
    from feast.repo_config import RepoConfig
    from feast.types import Bool, Float64, Int64, String, UnixTimestamp
    from feast.utils import _convert_arrow_to_proto

    types = {"Bool": Bool, "Float64": Float64, "Int64": Int64, "String": String}
    types["UnixTimestamp"] = UnixTimestamp
    time_type = pa.timestamp("us")
    minute = 60_000_000
    rows = pa.table(
        {
            "user_id": ["u1", "ü", ""],
            "category": ["toys", "a" * 300, "unknown"],
            "event_timestamp": pa.array([0, 90 * minute, 90 * minute + 5], time_type),
            "f_Bool": pa.array([True, False, None]),
            "f_Float64": pa.array([0.1, -math.inf, None]),
            "f_Int64": pa.array([-(2**63), 2**62, None]),
            "f_String": pa.array(["", "é" * 100, None]),
            "f_UnixTimestamp": pa.array([1_999_999, -(2**45) - 1, None], time_type),
        }
    )
    entities = [
        Entity(name=name, join_keys=[key], value_type=ValueType.STRING)
        for name, key in (("user", "user_id"), ("category", "category"))
    ]
    view = FeatureView(
        name="every_type",
        entities=entities,
        schema=[
            Field(name="user_id", dtype=String),
            Field(name="category", dtype=String),
            *(Field(name=f"f_{kind}", dtype=dtype) for kind, dtype in types.items()),
        ],
        source=FileSource(path="x.parquet", timestamp_field="event_timestamp"),
    )
    view.entity_columns = [Field(name=k, dtype=String) for k in ("user_id", "category")]
    port = start_embedded(published).port
    stock, ours = redis.Redis(port=port, db=5), redis.Redis(port=port, db=6)
    config = RepoConfig(
        project="bytes",
        provider="local",
        registry="unused.db",
        online_store=RedisOnlineStoreConfig(connection_string=f"127.0.0.1:{port},db=5"),
        entity_key_serialization_version=3,
    )
    keys = {"user_id": ValueType.STRING, "category": ValueType.STRING}
    RedisOnlineStore().online_write_batch(
        config, view, _convert_arrow_to_proto(rows, view, keys), None
    )

    layout = ViewLayout(
        "bytes", "every_type", ("user_id", "category"), tuple((f"f_{k}", k) for k in types)
    )
    assert write_rows(ours, layout, rows, "event_timestamp") == 3

    by_feast = {key: stock.hgetall(key) for key in stock.scan_iter()}
    by_us = {key: ours.hgetall(key) for key in ours.scan_iter()}
    assert by_us == by_feast
    assert len(by_us) == 3
