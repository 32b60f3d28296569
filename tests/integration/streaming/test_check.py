"""`recomart stream check` finds what was lost or invented."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import redis

from feature_store.online.redis import connect
from feature_store.realtime.streams import consumers_key, stream_key
from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings
from streaming.check import check, rebuild
from streaming.status import consumer_state, status
from tests.integration.streaming.stream_runs import run, segments, to_redis

Line = Callable[..., bytes]


@pytest.fixture
def client(settings: Settings, make_line: Line) -> redis.Redis:
    """A stream of 300 lines that was consumed: 5 are malformed, 20 were sent twice."""
    lines = [make_line(number) for number in range(275)]
    to_redis(settings, [*lines, *lines[:20], *[b"rubbish"] * 5])
    run(settings, "--transport", "redis", "--idle-exit", "0")
    return connect(settings)


def test_what_was_consumed_agrees(settings: Settings, client: redis.Redis) -> None:
    result = check(client, settings)

    assert result.agrees
    assert result.equation() == (
        "300 transport ids = 275 accepted + 5 dead letters + 20 duplicates "
        "(plus 0 redelivered copies; 0 pending)"
    )
    assert result.state_events == 275


def test_a_lost_key_of_the_state_is_reported_and_rebuilt(
    settings: Settings, client: redis.Redis
) -> None:
    key = next(client.scan_iter("*:rt:user:*"))
    lost = client.hlen(key)
    client.delete(key)
    assert check(client, settings).missing == lost

    assert rebuild(client, settings)[0] == lost
    assert check(client, settings).agrees
    # what was delivered was counted then, and nothing is delivered now
    stats = status(client, settings).state
    assert (stats["featured"], stats["duplicates"]) == (275 + lost, 20)


@pytest.mark.parametrize("pattern", ["product", "trending"])
def test_lost_counters_of_products_are_reported_and_rebuilt(
    settings: Settings, client: redis.Redis, pattern: str
) -> None:
    """A server that evicts keys takes some, and leaves the events that they count."""
    (key, *_) = sorted(client.scan_iter(f"*:rt:{pattern}:*"))
    before, expires = client.dump(key), client.expiretime(key)
    numbers = client.zcard(key) if pattern == "trending" else client.hlen(key)
    client.delete(key)

    result = check(client, settings)
    assert (result.miscounted, result.missing, result.agrees) == (numbers, 0, False)
    assert rebuild(client, settings) == (0, numbers)

    assert check(client, settings).agrees
    assert client.expiretime(key) == expires
    if pattern == "product":
        again = client.hgetall(key)
        client.restore(key, 0, before, replace=True)
        assert again == client.hgetall(key)


def test_a_counter_that_counts_too_much_is_reported_and_rebuilt(
    settings: Settings, client: redis.Redis
) -> None:
    (key, *_) = sorted(client.scan_iter("*:rt:product:*"))
    client.hincrby(key, client.hkeys(key)[0], 1)
    client.hset(key + b"-invented", "0:v", 1)

    assert check(client, settings).miscounted == 2
    assert rebuild(client, settings) == (0, 2)
    assert check(client, settings).agrees


def test_a_lost_segment_is_reported(settings: Settings, client: redis.Redis) -> None:
    (segment,) = segments(settings)
    kept = gzip.decompress(segment.read_bytes()).splitlines(keepends=True)
    segment.write_bytes(gzip.compress(b"".join(kept[:-25])))  # 5 events, and 20 copies

    result = check(client, settings)

    assert (result.lost, result.unexplained, result.agrees) == (25, 5, False)


def test_a_copy_in_a_second_segment_is_counted_apart(
    settings: Settings, client: redis.Redis
) -> None:
    (segment,) = segments(settings)
    record = gzip.decompress(segment.read_bytes()).splitlines(keepends=True)[0]
    assert json.loads(record)["event_id"] == "e0"
    segment.with_name(f"again-{segment.name}").write_bytes(gzip.compress(record))

    result = check(client, settings)

    assert (result.transport_ids, result.redelivered, result.agrees) == (300, 1, True)


def test_status_shows_the_lag_and_the_consumers(
    settings: Settings, client: redis.Redis, make_line: Line
) -> None:
    to_redis(settings, [make_line(1000)] * 3)

    found = status(client, settings)

    assert found.backlog is not None
    assert (found.backlog.lag, found.backlog.pending) == (3, 0)
    assert client.xlen(stream_key(settings.feast_project)) == found.entries
    (report,) = found.consumers
    assert (report.deliveries, report.dead_letters, consumer_state(report)) == (300, 5, "stopped")
    assert (found.events.sealed, found.events.open, found.dead_letters.sealed) == (1, 0, 1)
    assert (found.state["featured"], found.state["duplicates"]) == (275, 20)


def test_reports_of_another_version_or_of_long_ago_are_left_out_and_removed(
    settings: Settings, client: redis.Redis
) -> None:
    """Of a consumer that was updated, and of hosts that come and go: each has a name of its own."""
    key = consumers_key(settings.feast_project)
    ((name, text),) = client.hgetall(key).items()
    report = json.loads(text)
    other = {k: v for k, v in report.items() if k != "ahead"} | {"mood": "good"}
    client.hset(key, "other-1", json.dumps(other))
    client.hset(key, "gone-1", json.dumps(report | {"reported_at": time.time() - 2 * 86_400}))

    found = status(client, settings).consumers

    assert [report.consumer for report in found] == [name.decode()]
    run(settings, "--transport", "redis", "--idle-exit", "0")
    assert set(client.hkeys(key)) == {name}


@pytest.mark.parametrize("verb", ["status", "check"])
def test_a_frozen_redis_is_an_error_that_says_so(
    settings: Settings, client: redis.Redis, verb: str
) -> None:
    server = processes.running(settings, "redis")
    assert server is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "orchestration", "stream", verb],
            env={**os.environ, **settings.environment()},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert asked.returncode == 1
    assert "Redis did not answer within 5 s" in asked.stderr
    assert "Traceback" not in asked.stderr
