"""Checks that segments, real-time state and Redis Stream agree, by reading all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import redis

from feature_store.online import resp
from feature_store.realtime.clock import DAY, MICROSECOND, expires_at
from feature_store.realtime.layout import StateLayout
from feature_store.realtime.streams import DEAD_LETTERS, EVENTS, SEALED, stream_key
from recomart.events import MAX_AHEAD, MAX_LATE
from recomart.settings import Settings
from recomart.sql import literal
from streaming import product_counters
from streaming.journal import batches
from streaming.segment import OPEN
from streaming.state import RealtimeState
from streaming.transports.redis_stream import find_group

READS = 5
"""How often to read again while a running consumer changes the data."""
_KINDS = {EVENTS: "events", DEAD_LETTERS: "letters"}
_COLUMNS = {
    "events": {
        "transport_id": "varchar",
        "received_at": "timestamp",
        "event_id": "varchar",
        "user_id": "varchar",
        "occurred_at": "timestamp",
    },
    "letters": {"transport_id": "varchar"},
}
_COUNTS = """
    with deliveries as (
        select transport_id, 'letter' as kind, null as event_id from letters
        union all
        select transport_id, 'event' as kind, event_id from events
    ),
    firsts as (
        -- a Kafka topic that was deleted and created again restarts its offsets at 0
        select distinct transport_id, kind, event_id from deliveries
    )
    select
        (select count(*) from deliveries) as lines,
        count(*) as transport_ids,
        count(distinct event_id) as accepted,
        count(*) filter (where kind = 'letter') as dead_letters,
        count(*) filter (where kind = 'event') as events,
        count(*) filter (where regexp_full_match(transport_id, '[0-9]+-[0-9]+')) as from_redis
    from firsts
"""
_STATE = f"""
    select cast(floor(epoch_us(occurred_at) / {DAY}) as bigint) as day, user_id,
        count(distinct event_id) as events
    from events
    where epoch_us(occurred_at) - epoch_us(received_at) <= {MAX_AHEAD // MICROSECOND}
        and epoch_us(received_at) - epoch_us(occurred_at) <= {MAX_LATE // MICROSECOND}
    group by all
"""


@dataclass(frozen=True)
class Reconciliation:
    """The counts of a check. transport_ids = accepted + dead_letters + duplicates.

    Args:
        transport_ids: distinct deliveries in the segments.
        accepted: distinct events in these deliveries.
        duplicates: deliveries of an event that another delivery contained already.
        redelivered: further copies of a delivery; not part of the sum.
        pending: entries of the Redis Stream that are delivered and not acknowledged.
        lag: entries of the Redis Stream that are not delivered; None if Redis cannot say.
        state_events: events in the real-time state.
        missing: events in the segments that the state lacks.
        unexplained: events in the state that no segment has.
        miscounted: product counters and scores that do not match the events in the state.
        lost: entries that are acknowledged in Redis and in no segment.
        changed_meanwhile: events arrived during the check, so a difference may be temporary.
    """

    transport_ids: int
    accepted: int
    dead_letters: int
    duplicates: int
    redelivered: int
    pending: int
    lag: int | None
    state_events: int
    missing: int
    unexplained: int
    miscounted: int
    lost: int
    changed_meanwhile: bool

    @property
    def agrees(self) -> bool:
        """Whether nothing is lost or invented. Pending and undelivered entries do not matter."""
        return not (self.missing or self.unexplained or self.miscounted or self.lost)

    def equation(self) -> str:
        """The counts as one line."""
        return (
            f"{self.transport_ids:,} transport ids = {self.accepted:,} accepted + "
            f"{self.dead_letters:,} dead letters + {self.duplicates:,} duplicates"
            f" (plus {self.redelivered:,} redelivered copies; {self.pending:,} pending)"
        )


def check(client: redis.Redis, settings: Settings) -> Reconciliation:
    """Compare all segments with the state, without changing anything.

    They are read one after the other. If they differ and events arrived in the meantime, the check
    starts again, up to READS times.

    Raises:
        RedisError: the server does not answer.
    """
    for _ in range(READS):
        result = _check(client, settings)
        if result.agrees or not result.changed_meanwhile:
            break
    return result


def _check(client: redis.Redis, settings: Settings) -> Reconciliation:
    layout, now = StateLayout(settings.feast_project), time.time()
    before = client.hget(layout.stats_key, "featured")
    limits: dict[str, Any] = {
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.lake / "tmp"),  # the default is the current folder
    }
    with duckdb.connect(config=limits) as connection:
        for kind, table in _KINDS.items():
            _read(connection, settings.raw / kind, table)
        counted = connection.execute(_COUNTS).fetchone()
        expected = connection.execute(_STATE).fetchall()
    lines, transport_ids, accepted, letters, events, from_redis = counted or (0,) * 6
    wanted = {layout.user_key(day, user): n for day, user, n in expected if expires_at(day) > now}
    found = _events_of_users(client, layout, wanted)
    expected_counters = product_counters.expected_counters(client, layout, list(found))
    stored_counters = product_counters.stored_counters(client, layout)
    pending, lag, acknowledged = _group(client, settings)
    return Reconciliation(
        transport_ids=transport_ids,
        accepted=accepted,
        dead_letters=letters,
        duplicates=events - accepted,
        redelivered=lines - transport_ids,
        pending=pending,
        lag=lag,
        state_events=sum(found.values()),
        missing=sum(max(n - found.get(key, 0), 0) for key, n in wanted.items()),
        unexplained=sum(max(n - wanted.get(key, 0), 0) for key, n in found.items()),
        miscounted=product_counters.count_differences(expected_counters, stored_counters),
        lost=max(acknowledged - from_redis, 0),
        changed_meanwhile=client.hget(layout.stats_key, "featured") != before,
    )


def rebuild(client: redis.Redis, settings: Settings) -> tuple[int, int]:
    """Write every event in the segments to the state; events that it has already stay unchanged.

    Returns:
        How many events the state lacked, and how many product counters and scores were wrong.

    Raises:
        RedisError: the server does not answer, or is full.
    """
    state, new = RealtimeState(client, settings), 0
    for path in sorted(_files(settings.raw / EVENTS)):
        for batch in batches(path):
            new += state.add(batch, replayed=True).new
    return new, product_counters.repair(client, StateLayout(settings.feast_project))


def _files(root: Path) -> Iterator[Path]:
    yield from root.glob(f"ingest_date=*/[!.]*{SEALED}")
    yield from root.glob(f"ingest_date=*/*{OPEN}")


def _read(connection: duckdb.DuckDBPyConnection, root: Path, table: str) -> None:
    """Load all lines of one kind of segment into a table."""
    types = _COLUMNS[table]
    listed = ", ".join(map(" ".join, types.items()))
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    for attempt in range(READS):
        connection.execute(f"create or replace table {table} ({listed})")
        files = [str(path) for path in _files(root)]
        sealed = [path for path in files if path.endswith(SEALED)]
        parts = {"gzip": sealed, "uncompressed": [path for path in files if path not in sealed]}
        try:
            for compression, paths in parts.items():
                if paths:
                    # an open segment may end in the middle of a line that is being written
                    connection.execute(
                        f"insert into {table} select * from read_json(?, "
                        f"format='newline_delimited', columns={{{columns}}}, "
                        f"compression='{compression}', ignore_errors=true, hive_partitioning=false) "
                        "where transport_id is not null",
                        [paths],
                    )
        except duckdb.IOException:
            if attempt == READS - 1:
                raise
        else:
            return


def _events_of_users(
    client: redis.Redis, layout: StateLayout, expected: dict[bytes, int]
) -> dict[bytes, int]:
    """The number of events in the state by key: of the expected keys, and of any others."""
    others = client.scan_iter(f"{layout.prefix}user:*", count=1_000)
    keys = [*expected, *sorted(set(others) - expected.keys())]
    sizes = resp.exchange(client, (resp.command(b"HLEN", key) for key in keys))
    return {key: size for key, size in zip(keys, sizes, strict=True) if size}


def _group(client: redis.Redis, settings: Settings) -> tuple[int, int | None, int]:
    """The pending, lagging and acknowledged entries of the Redis Stream."""
    key = stream_key(settings.feast_project)
    group = find_group(client, key.encode())
    if group is None:
        return 0, client.xlen(key), 0  # type: ignore[return-value]  # redis-py types the async client's answer too
    read, pending = group[b"entries-read"] or 0, group[b"pending"]
    return pending, group[b"lag"], read - pending
