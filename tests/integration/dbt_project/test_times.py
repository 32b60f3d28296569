"""Times of sources with a format and a zone, as staging reads them."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import duckdb

from tests.oracles.raw_tables import RawShop


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
