"""From XADD to the feature: how long until an event shows in `get_online_features`.

    python -m benchmarks.freshness --events 10000 --rate 200

A real `recomart stream` consumes a Redis Stream; a producer adds events at a steady rate; a reader
asks Feast for the features of the users whose events are on their way, over and over. An event is
seen when the count of its user's views has reached it. The time runs from before XADD until after
Feast answered, so the reader's own call is part of it, and so is what one call waits for another.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from benchmarks.online_sample import own_redis
from benchmarks.results import write_result
from feature_store.realtime.layout import StateLayout
from feature_store.realtime.streams import FIELD, stream_key
from recomart.settings import Settings

AT_MOST_P99_SECONDS = 1.0
USERS = 1_000
PRODUCTS = 500
GIVE_UP_SECONDS = 60.0
WARM_UP = 20
POLL_SECONDS = 0.005
"""Between two calls of the reader, which would else take a core of its own."""


@contextlib.contextmanager
def speed_layer(settings: Settings, client: redis.Redis) -> Iterator[None]:
    """A `recomart stream` in a process of its own, from when it works until it has ended."""
    command = [sys.executable, "-m", "orchestration", "stream", "--transport", "redis"]
    environment = {**os.environ, **settings.environment()}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            stats = StateLayout(settings.feast_project).stats_key
            until = time.monotonic() + GIVE_UP_SECONDS
            while not client.exists(stats):
                if time.monotonic() > until or process.poll() is not None:
                    raise TimeoutError("recomart stream did not come up")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(GIVE_UP_SECONDS)


def store_of_realtime_features(settings: Settings) -> Any:
    """A feature store that has registered the real-time service alone."""
    from feast import Entity, Field, Project, RequestSource, ValueType, types

    from feature_store.definitions import realtime_views
    from feature_store.stores import open_store

    realtime_views.write_empty_sources(settings)
    entities = {
        name: Entity(name=name, join_keys=[f"{name}_id"], value_type=ValueType.STRING)
        for name in ("user", "product")
    }
    views = realtime_views.realtime_views(settings, entities)
    request = RequestSource(name="request", schema=[Field(name="as_of", dtype=types.UnixTimestamp)])
    features = realtime_views.realtime_features(views, request)
    service = realtime_views.realtime_service(features)
    store = open_store(settings)
    project = Project(name=settings.feast_project)
    store.apply([project, *entities.values(), *views, features, service])
    return store


class Producer(threading.Thread):
    """Adds events at a steady rate. `sent` takes (user, which of the user's events, instant)."""

    def __init__(self, client: redis.Redis, settings: Settings, events: int, rate: float) -> None:
        super().__init__(daemon=True)
        self._client, self._key = client, stream_key(settings.feast_project)
        self._events, self._rate = events, rate
        self.sent: deque[tuple[str, int, float]] = deque()

    def run(self) -> None:
        start = time.perf_counter()
        for number in range(self._events):
            time.sleep(max(0.0, start + number / self._rate - time.perf_counter()))
            round_, user = divmod(number, USERS)
            body = {
                "event_id": f"e{number}",
                "event_type": "view",
                "user_id": f"u{user}",
                "session_id": f"s{user}",
                "product_id": f"p{number % PRODUCTS}",
                "occurred_at": datetime.now(UTC).isoformat(),
            }
            before = time.perf_counter()
            self._client.xadd(self._key, {FIELD: json.dumps(body)})
            self.sent.append((f"u{user}", round_ + 1, before))


def seconds_until_seen(store: Any, producer: Producer, events: int) -> list[float]:
    """(events) seconds from XADD until Feast shows the event.

    Raises:
        TimeoutError: nothing new was seen for a minute.
    """
    service = store.get_feature_service("recommendation_rt_v1")
    waiting: list[tuple[str, int, float]] = []
    taken: list[float] = []
    last = time.perf_counter()
    while len(taken) < events:
        while producer.sent:
            waiting.append(producer.sent.popleft())
        time.sleep(POLL_SECONDS)
        if not waiting:
            continue
        # Feast cuts a time to its second: the next one has all that happened by now
        as_of = datetime.now(UTC) + timedelta(seconds=1)
        rows = [{"user_id": user, "product_id": "p0", "as_of": as_of} for user, _, _ in waiting]
        found = store.get_online_features(features=service, entity_rows=rows).to_dict()
        now = time.perf_counter()
        still = []
        for one, views in zip(waiting, found["rt_user_views_24h"], strict=True):
            if views is not None and views >= one[1]:
                taken.append(now - one[2])
                last = now
            else:
                still.append(one)
        waiting = still
        if now - last > GIVE_UP_SECONDS:
            raise TimeoutError(f"{len(waiting)} events are not seen")
    return taken


def measure(events: int, rate: float) -> dict[str, Any]:
    """Milliseconds from XADD to the feature: p50, p99, the longest."""
    with (
        tempfile.TemporaryDirectory(prefix="recomart-freshness-") as name,
        own_redis(Path(name)) as (settings, port),
    ):
        client = redis.Redis(port=port)
        store = store_of_realtime_features(settings)
        with speed_layer(settings, client):
            # Feast's first calls import and compile
            rows = [{"user_id": "u", "product_id": "p", "as_of": datetime.now(UTC)}]
            service = store.get_feature_service("recommendation_rt_v1")
            for _ in range(WARM_UP):
                store.get_online_features(features=service, entity_rows=rows).to_dict()
            producer = Producer(redis.Redis(port=port), settings, events, rate)
            producer.start()
            taken = sorted(seconds_until_seen(store, producer, events))
    return {
        "events": events,
        "rate": rate,
        "p50_ms": statistics.median(taken) * 1e3,
        "p99_ms": taken[int(len(taken) * 0.99)] * 1e3,
        "max_ms": taken[-1] * 1e3,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the figures, keep them as JSON; 1 when the limit was not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freshness", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=200.0, help="events a second")
    given = parser.parse_args(arguments)
    figures = measure(given.events, given.rate)
    print(
        f"{given.events:,} events at {given.rate:g} a second, from XADD to get_online_features: "
        f"p50 {figures['p50_ms']:.0f} ms, p99 {figures['p99_ms']:.0f} ms "
        f"(at most {AT_MOST_P99_SECONDS * 1e3:.0f}), longest {figures['max_ms']:.0f} ms"
    )
    print(f"figures in {write_result('freshness', figures)}")
    return 1 if figures["p99_ms"] > AT_MOST_P99_SECONDS * 1e3 else 0


if __name__ == "__main__":
    sys.exit(main())
