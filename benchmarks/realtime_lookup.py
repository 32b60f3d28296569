"""Our lookup with real-time features: one user and many products, next to raw Redis commands.

    python -m benchmarks.realtime_lookup --products 200 --calls 200

State of a day (`--events`, by default 100,000 of 2,000 products, a few of them much looked at), and
10 published features of each entity. Raw is redis-py's pipeline of the same HMGET and HGETALL, and
nothing decoded or counted. Contenders take turns call by call, in one process.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import redis

from benchmarks.lookup import turns_by_call
from benchmarks.online_sample import beat, layout, own_redis, write_rows_file
from benchmarks.results import write_result
from feature_store.online.lookup import OnlineFeatures
from feature_store.online.writer import write_rows
from feature_store.realtime.clock import days_of, micros_of
from feature_store.realtime.features import PRODUCTS, USERS
from feature_store.realtime.layout import StateLayout
from recomart.events import Event, EventType
from recomart.settings import Settings
from streaming.received import Received
from streaming.state import RealtimeState

ENTITIES = 2_000
TYPES: list[EventType] = ["view", "click", "add_to_cart", "purchase"]
VIEWS = ["user", "product"]


def day_of_events(count: int) -> list[Received]:
    """Events of the last 24 hours; a product's popularity falls with its number."""
    dice = random.Random(7)
    now = datetime.now(UTC)
    return [
        Received(
            f"{number}-0",
            now,
            Event(
                event_id=f"{dice.getrandbits(128):032x}",
                event_type=dice.choices(TYPES, [10, 3, 2, 1])[0],
                user_id=f"u{dice.randrange(ENTITIES)}",
                session_id=f"s{dice.randrange(10 * ENTITIES)}",
                product_id=f"p{int(dice.paretovariate(0.5)) % ENTITIES}",
                occurred_at=now - dice.random() * timedelta(hours=23.9),
            ),
        )
        for number in range(count)
    ]


def measure(events: int, products: int, calls: int) -> dict[str, Any]:
    """Milliseconds of each contender's calls, p50 and p99; microseconds and bytes an event."""
    with (
        tempfile.TemporaryDirectory(prefix="recomart-realtime-") as name,
        own_redis(Path(name)) as (settings, port),
    ):
        client = redis.Redis(port=port)
        for view in VIEWS:
            file = Path(name) / f"{view}.parquet"
            write_rows_file(file, view, ENTITIES)
            write_rows(
                client, layout(settings.feast_project, view), pq.read_table(file), "event_timestamp"
            )
        beat(client, settings, VIEWS, ENTITIES)
        written = _write(client, settings, day_of_events(events))
        lookup = OnlineFeatures(settings, deadline=30)
        contenders: dict[str, Callable[[str, list[str]], object]] = {
            "raw": lambda u, p: _raw(client, settings.feast_project, u, p),
            "published": lambda u, p: lookup.read_views({"user": [u], "product": p}),
            "realtime": lambda u, p: lookup.read_views({USERS: [u], PRODUCTS: p}),
            "joined": lambda u, p: lookup.read_views(
                {"user": [u], "product": p, USERS: [u], PRODUCTS: p}
            ),
            "trending": lambda u, p: lookup.trending(10),
        }
        times = turns_by_call(contenders, products, calls, ENTITIES)
    return {
        "events": events,
        "products": products,
        "calls": calls,
        **written,
        **{
            name: {
                "p50_ms": statistics.median(taken) * 1e3,
                "p99_ms": sorted(taken)[int(len(taken) * 0.99)] * 1e3,
            }
            for name, taken in times.items()
        },
    }


def _write(client: redis.Redis, settings: Settings, events: list[Received]) -> dict[str, float]:
    """Write the state, in batches as the speed layer does."""
    state = RealtimeState(client, settings)
    before = _memory(client)
    start = time.perf_counter()
    for first in range(0, len(events), 1_000):
        state.add(events[first : first + 1_000])
    seconds = time.perf_counter() - start
    return {
        "add_us_an_event": seconds / len(events) * 1e6,
        "bytes_an_event": (_memory(client) - before) / len(events),
    }


def _memory(client: redis.Redis) -> int:
    info: Any = client.info("memory")
    return info["used_memory"]


def _raw(client: redis.Redis, project: str, user: str, products: list[str]) -> object:
    state = StateLayout(project)
    days = days_of(micros_of(datetime.now(UTC)))
    with client.pipeline(transaction=False) as pipe:
        for view, keys in (("user", [user]), ("product", products)):
            where = layout(project, view)
            fields = [where.time_field, *where.fields]
            for key in where.keys([(key,) for key in keys]):
                pipe.hmget(key, fields)  # type: ignore[arg-type]  # stubs: fields are str
        for day in days:
            pipe.hgetall(state.user_key(day, user))  # type: ignore[arg-type]  # as above
            for product in products:
                pipe.hgetall(state.product_key(day, product))  # type: ignore[arg-type]  # as above
        return pipe.execute()


NAMES = {
    "raw": "raw HMGET and HGETALL",
    "published": "published features",
    "realtime": "real-time features",
    "joined": "both in one call",
    "trending": "trending(10)",
}


def main(arguments: list[str] | None = None) -> int:
    """Print a table and keep the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.realtime_lookup")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--calls", type=int, default=200)
    given = parser.parse_args(arguments)
    figures = measure(given.events, given.products, given.calls)
    print(
        f"{given.events:,} events of a day: {figures['add_us_an_event']:.0f} us and "
        f"{figures['bytes_an_event']:.0f} bytes an event"
    )
    print(f"one user, {given.products} products, {given.calls} calls")
    for name, title in NAMES.items():
        print(
            f"  {title:<24} p50 {figures[name]['p50_ms']:8.2f} ms  "
            f"p99 {figures[name]['p99_ms']:8.2f} ms"
        )
    print(f"figures in {write_result('realtime_lookup', figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
