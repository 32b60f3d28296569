"""Real-time state as the speed layer writes it, on a real server."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from feature_store.online.redis import connect
from feature_store.realtime.clock import DAY, expires_at, micros_of
from feature_store.realtime.layout import StateLayout
from recomart.events import MAX_AHEAD, MAX_LATE, Event
from recomart.settings import Settings
from streaming.received import Received
from streaming.state import CHUNK, Added, RealtimeState

NOW = datetime.now(UTC)
TINY = timedelta(microseconds=1)


def event(name: str, *, ago: timedelta = timedelta(0), kind: str = "view") -> Received:
    happened = NOW - ago
    return Received(
        f"{name}-0",
        NOW,
        Event(
            event_id=name,
            event_type=kind,
            user_id="u1",
            session_id="s1",
            product_id="p1",
            occurred_at=happened,
        ),
    )


@pytest.fixture
def client(settings: Settings) -> redis.Redis:
    return connect(settings)


@pytest.fixture
def state(client: redis.Redis, settings: Settings) -> RealtimeState:
    return RealtimeState(client, settings)


def content(client: redis.Redis) -> dict[bytes, object]:
    """All state but what is counted of deliveries."""
    found: dict[bytes, object] = {}
    for key in client.scan_iter("recomart:*"):
        if key.endswith(b":trending") or b":trending:" in key:
            found[key] = client.zrange(key, 0, -1, withscores=True)
        elif not key.endswith(b":stats"):
            found[key] = client.hgetall(key)
    return found


def test_an_event_that_comes_again_changes_nothing(
    state: RealtimeState, client: redis.Redis
) -> None:
    events = [event(str(n), kind="purchase") for n in range(CHUNK + 7)]
    assert state.add(events) == Added(new=CHUNK + 7)
    before = content(client)

    assert state.add([*reversed(events), events[0]]) == Added(duplicates=CHUNK + 8)
    assert content(client) == before


def test_late_and_ahead_events_make_no_state(state: RealtimeState, client: redis.Redis) -> None:
    added = state.add([event("l", ago=MAX_LATE + TINY), event("a", ago=-MAX_AHEAD - TINY)])

    assert added == Added(late=1, ahead=1)
    assert content(client) == {}


def test_events_just_within_the_limits_make_state(state: RealtimeState) -> None:
    assert state.add([event("l", ago=MAX_LATE), event("a", ago=-MAX_AHEAD)]) == Added(new=2)


def test_every_slice_expires_a_day_and_an_hour_after_its_day(
    state: RealtimeState, client: redis.Redis
) -> None:
    state.add([event("y", ago=MAX_LATE), event("t")])

    for day in (micros_of(NOW - MAX_LATE) // DAY, micros_of(NOW) // DAY):
        layout = StateLayout("recomart_demo")
        for key in (
            layout.user_key(day, "u1"),
            layout.product_key(day, "p1"),
            layout.trending_key(day),
        ):
            assert client.expiretime(key) == expires_at(day) == (day + 1) * 86_400 + 25 * 3_600


def test_a_day_whose_slice_has_expired_is_not_written_again(
    state: RealtimeState, client: redis.Redis
) -> None:
    """It waited in the stream for three days: in time when it was received, and not any more."""
    old = event("o", ago=timedelta(days=3))
    waited = Received(old.transport_id, old.event.occurred_at, old.event)

    assert state.add([waited]) == Added(late=1)
    assert content(client) == {}


def test_the_script_is_loaded_again_when_the_server_has_forgotten_it(
    state: RealtimeState, client: redis.Redis
) -> None:
    state.add([event("1")])
    client.script_flush()

    assert state.add([event("1"), event("2")]) == Added(new=1, duplicates=1)


def test_a_full_server_refuses_a_chunk_whole(state: RealtimeState, client: redis.Redis) -> None:
    state.add([event("1")])
    before = content(client)
    client.config_set("maxmemory", "1")

    with pytest.raises(redis.exceptions.OutOfMemoryError):
        state.add([event("2"), event("3")])

    client.config_set("maxmemory", "0")
    assert content(client) == before
    assert state.add([event("2"), event("3")]) == Added(new=2)


def test_state_survives_a_kill_of_the_server(settings: Settings) -> None:
    import os
    import signal

    import psutil

    from feature_store.online.redis import start_embedded

    client = connect(settings)
    RealtimeState(client, settings).add([event(str(n)) for n in range(20)])
    before = content(client)
    server = start_embedded(settings)
    os.kill(server.pid, signal.SIGKILL)
    psutil.Process(server.pid).wait(5)

    again = connect(settings)
    assert content(again) == before
    repeated = RealtimeState(again, settings).add([event(str(n)) for n in range(20)])
    assert repeated == Added(duplicates=20)


def test_stats_count_deliveries_and_the_newest_event(
    state: RealtimeState, client: redis.Redis, settings: Settings
) -> None:
    state.add([event("1"), event("2", ago=timedelta(seconds=5)), event("1")])
    state.add([event("3", ago=timedelta(hours=2)), event("4", ago=-timedelta(hours=2))])
    stats = client.hgetall(StateLayout(settings.feast_project).stats_key)

    assert stats[b"featured"] == b"3"
    assert stats[b"duplicates"] == b"1"
    assert (stats[b"late"], stats[b"ahead"]) == (b"0", b"1")
    assert int(stats[b"last_event_at"]) == micros_of(NOW)
    assert int(stats[b"received_until"]) == micros_of(NOW)
    before = time.time()
    state.heartbeat()
    stats = client.hgetall(StateLayout(settings.feast_project).stats_key)
    assert int(stats[b"received_until"]) / 1e6 >= before - 1e-3
