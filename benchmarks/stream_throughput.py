"""One consumer, Redis Streams: `python -m benchmarks.stream_throughput [--events N]`.

Events wait in the stream; the speed layer drains it, each one durably written, counted in the
real-time state and acknowledged. In the same run, on the same entries, a bare loop of XREADGROUP
and XACK in another group shows what the transport alone would take. The consumer's memory is
sampled all the while, and Redis is asked what an event costs it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import redis

from benchmarks.results import write_result
from feature_store.online import resp
from feature_store.online.redis import connect
from feature_store.realtime.streams import FIELD, GROUP, stream_key
from recomart import processes
from recomart.settings import Settings, load_settings
from streaming.speed_layer import ConsumerOptions
from streaming.stream import stream

ROUND = 100_000
"""Events that wait in the stream at once: a producer that is ahead, and a bounded server."""
BARE = b"bare-loop"


@dataclass
class Measured:
    """Seconds of both loops over the same events, and memory."""

    events: int = 0
    seconds: float = 0.0
    bare_seconds: float = 0.0
    rss: list[int] = field(default_factory=list)
    """Bytes of the consumer, a sample for every round."""
    state_bytes: int = 0

    def figures(self) -> dict[str, float]:
        """The figures for comparisons."""
        return {
            "events": self.events,
            "events_a_second": round(self.events / self.seconds),
            "bare_events_a_second": round(self.events / self.bare_seconds),
            "rss_first_mb": round(self.rss[0] / 1e6, 1),
            "rss_last_mb": round(self.rss[-1] / 1e6, 1),
            "state_bytes_an_event": round(self.state_bytes / self.events),
        }

    def lines(self) -> list[str]:
        """The figures for people."""
        rate, bare = self.events / self.seconds, self.events / self.bare_seconds
        quarter = max(len(self.rss) // 4, 1)
        first, last = self.rss[:quarter], self.rss[-quarter:]
        return [
            f"{self.events:,} events: {rate:,.0f} a second kept, featured and acknowledged",
            f"bare XREADGROUP and XACK: {bare:,.0f} a second, {bare / rate:.1f} times as fast",
            f"memory of the consumer: {max(first) / 1e6:,.0f} MB in the first quarter, "
            f"{max(last) / 1e6:,.0f} MB in the last",
            f"Redis: {self.state_bytes / self.events:,.0f} bytes of state an event",
        ]


def measure(settings: Settings, events: int) -> Measured:
    """Drain that many events, in rounds; the consumer is one process through all of them."""
    client, key = connect(settings), stream_key(settings.feast_project)
    measured, empty = Measured(), _used(client)
    client.xgroup_create(key, BARE, mkstream=True)
    child = multiprocessing.get_context("spawn").Process(target=_consume, args=(settings,))
    child.start()
    consumer = psutil.Process(child.pid)
    while _left(client, settings) is None:
        time.sleep(0.05)
    while measured.events < events:
        consumer.suspend()
        count = min(ROUND, events - measured.events)
        _fill(client, key, _lines(count, measured.events))
        measured.bare_seconds += _bare_loop(client, key, count)
        started = time.perf_counter()
        consumer.resume()
        while _left(client, settings):
            time.sleep(0.02)
        measured.seconds += time.perf_counter() - started
        measured.events += count
        measured.rss.append(consumer.memory_info().rss)
    child.terminate()
    child.join()
    measured.state_bytes = _used(client) - empty
    return measured


def _consume(settings: Settings) -> None:
    stream(settings, "redis", say=print, options=ConsumerOptions())


def _lines(count: int, first: int) -> Iterator[bytes]:
    chance, now = random.Random(first), datetime.now(UTC)
    for number in range(count):
        event = {
            "event_id": f"{first + number:012d}-4a5b-8c7d-0123456789ab",
            "event_type": chance.choice(["view", "view", "click", "add_to_cart", "purchase"]),
            "user_id": f"u{chance.randrange(20_000)}",
            "session_id": f"s{chance.randrange(50_000)}",
            "product_id": f"p{chance.randrange(2_000)}",
            "occurred_at": (now - timedelta(milliseconds=chance.randrange(60_000))).isoformat(),
        }
        yield json.dumps(event).encode()


def _fill(client: redis.Redis, key: str, lines: Iterator[bytes]) -> None:
    name = key.encode()
    resp.exchange(client, (resp.command(b"XADD", name, b"*", FIELD, line) for line in lines))


def _bare_loop(client: redis.Redis, key: str, count: int) -> float:
    """Seconds to read and acknowledge that many events, and do nothing with them."""
    name, done, started = key.encode(), 0, time.perf_counter()
    read = resp.command(
        b"XREADGROUP", b"GROUP", BARE, b"one", b"COUNT", b"1000", b"STREAMS", name, b">"
    )
    while done < count:
        ((_, entries),) = resp.exchange(client, [read])[0]
        acknowledged = resp.command(b"XACK", name, BARE, *(entry[0] for entry in entries))
        done += resp.exchange(client, [acknowledged])[0]
    return time.perf_counter() - started


def _left(client: redis.Redis, settings: Settings) -> int | None:
    """Entries that the speed layer has not acknowledged; None before it began."""
    groups: Any = client.xinfo_groups(stream_key(settings.feast_project))
    for group in groups:
        if group["name"] == GROUP.encode():
            return int(group["pending"]) + int(group["lag"] or 0)
    return None


def _used(client: redis.Redis) -> int:
    memory: Any = client.info("memory")
    return int(memory["used_memory"])


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(shop="demo", lake=Path(folder) / "lake")
        try:
            measured = measure(settings, given.events)
        finally:
            processes.stop_all(settings)
    print("\n".join(measured.lines()))
    write_result("stream_throughput", measured.figures())


if __name__ == "__main__":
    main()
