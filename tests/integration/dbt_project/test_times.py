"""Times of sources with a format and a zone, as staging reads them, and times that are yet to come."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from ingestion.shop_table import write_shop
from tests.oracles.raw_tables import LOADED_AT, RawShop


def test_local_times_are_moved_to_utc_and_those_with_an_offset_are_not(dbt, read) -> None:
    """Berlin's clocks were put forward on 31 March 2024 at 2 h, and back on 27 October at 3 h."""
    texts = {
        "2024-07-01 12:00:00": datetime(2024, 7, 1, 10),
        "2024-12-01": datetime(2024, 11, 30, 23),
        "2024-03-31 02:30:00": datetime(2024, 3, 31, 1, 30),
        "2024-10-27 02:30:00": datetime(2024, 10, 27, 0, 30),
        "2024-07-01T12:00:00Z": datetime(2024, 7, 1, 12),
        "2024-07-01 12:00:00 +0100": datetime(2024, 7, 1, 11),
        "2024-07-01 12:00:00 Asia/Tokyo": None,
    }
    rows = [{"user_id": "u", "product_id": "p", "rating": 4, "rated_at": text} for text in texts]
    raw = RawShop({"ratings": rows}, time_zones={"ratings": "Europe/Berlin"})
    lake = dbt.new_lake(raw)
    dbt.run(lake, "run", "--select", "stg_shop", "stg_ratings")
    found = read(lake, "select received_rated_at, rated_at from staging.stg_ratings")
    assert dict(found) == texts


def test_events_of_the_stream_are_in_utc_whatever_the_sources_zone_is(dbt, read) -> None:
    event = {"event_type": "view", "user_id": "u", "product_id": "p"}
    rows = [
        event | {"event_id": "file", "occurred_at": "01.07.2024 12:00"},
        event | {"event_id": "stream", "occurred_at": "2024-07-01T12:00:00Z", "_batch_id": "2"},
    ]
    raw = RawShop(
        {"events": rows},
        time_formats={"events": "%d.%m.%Y %H:%M"},
        time_zones={"events": "America/New_York"},
    )
    lake = dbt.new_lake(raw)
    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        connection.execute("update raw._loads set source = 'stream' where batch_id = 'events-2'")
    dbt.run(lake, "run", "--select", "stg_shop", "stg_loads", "stg_events")
    found = read(lake, "select event_id, occurred_at from staging.stg_events")
    assert dict(found) == {
        "file": datetime(2024, 7, 1, 16),
        "stream": datetime(2024, 7, 1, 12),
    }


def test_ratings_of_a_local_clock_come_back_when_their_time_has_come(dbt, read) -> None:
    """100 ratings of the last ten hours by a clock in Kolkata, five and a half hours ahead of UTC."""
    written = LOADED_AT + timedelta(hours=5, minutes=30)
    ratings = [
        {"user_id": f"u{n % 9}", "product_id": f"p{n % 12}", "rating": n % 5 + 1}
        | {"rated_at": written - n * timedelta(minutes=6)}
        for n in range(100)
    ]
    raw = RawShop({"ratings": ratings})
    quarantined = "select reject_reasons, count(*) from quality.quarantine_ratings group by 1"
    features = ("run", "--select", "+ftr_users", "+ftr_products", "+lbl_interactions")

    lake = dbt.new_lake(raw)
    dbt.run(lake, *features)
    assert read(lake, quarantined) == [("future_rated_at", 55)]

    later = LOADED_AT + timedelta(hours=3)
    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        write_shop(connection, "test", raw.shop, ingesting=False, at=later)
    dbt.run(lake, *features)
    # those of 03:00 and before: the first was written at 05:30, each other six minutes earlier
    assert read(lake, quarantined) == [("future_rated_at", 25)]

    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        write_shop(connection, "test", raw.shop, ingesting=False, at=written)
    dbt.run(lake, *features)
    assert read(lake, quarantined) == []

    at_once = dbt.new_lake(replace(raw, loaded_at=written))
    dbt.run(at_once, *features)
    assert dbt.contents(lake, "features") == dbt.contents(at_once, "features")

    zoned = dbt.new_lake(replace(raw, time_zones={"ratings": "Asia/Kolkata"}))
    dbt.run(zoned, "run", "--select", "+quarantine_ratings")
    assert read(zoned, quarantined) == []
