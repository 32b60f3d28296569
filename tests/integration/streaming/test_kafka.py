"""Kafka's part: members that die, brokers that freeze, and what is still to be read."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from rich.console import Console

from feature_store.online.redis import connect
from orchestration.output.stream import status_page
from recomart import processes
from recomart.settings import Settings
from streaming.check import check
from streaming.status import status
from tests.integration.streaming.kafka_brokers import Brokers, cluster
from tests.integration.streaming.stream_runs import kept, left_open, run, start

Line = Callable[..., bytes]


@pytest.fixture
def brokers() -> Iterator[Brokers]:
    with cluster() as made:
        yield made


@pytest.fixture
def shop(settings: Settings, brokers: Brokers) -> Settings:
    return settings.model_copy(update={"kafka_servers": brokers.servers})


def shown(settings: Settings) -> str:
    console = Console(width=120)
    with console.capture() as page:
        console.print(status_page(status(connect(settings), settings)))
    return page.get()


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def all_committed(brokers: Brokers, settings: Settings, sent: int) -> bool:
    return brokers.committed(settings) == sent


def open_lines(settings: Settings) -> int:
    return sum(path.read_bytes().count(b"\n") for path in left_open(settings))


def more_kept_soon(settings: Settings, before: int) -> bool:
    """Whether the open segment grows within three seconds."""
    end = time.monotonic() + 3
    while open_lines(settings) <= before and time.monotonic() < end:
        time.sleep(0.02)
    return open_lines(settings) > before


def test_status_shows_the_lag_of_the_topic(
    shop: Settings, brokers: Brokers, make_line: Line
) -> None:
    assert "Kafka" not in shown(shop.model_copy(update={"kafka_servers": None}))
    brokers.send(shop, [make_line(number) for number in range(30)])
    assert "Kafka topic           lag 30 (" in shown(shop)
    run(shop, "--transport", "kafka", "--idle-exit", "1")
    assert "Kafka topic           lag 0 (" in shown(shop)
    brokers.send(shop, [make_line(number) for number in range(3)])
    assert "Kafka topic           lag 3 (" in shown(shop)


@pytest.mark.slow
def test_a_member_that_is_killed_is_taken_over(
    shop: Settings, brokers: Brokers, make_line: Line
) -> None:
    """The first one is killed when its batch is kept, and neither counted nor committed."""
    lines = [make_line(number) for number in range(2_000)]
    first = start(shop, "--transport", "kafka")
    brokers.send(shop, lines[:100])
    sent = 100
    try:
        while True:
            until(partial(all_committed, brokers, shop, sent))
            server = processes.running(shop, "redis")
            assert server is not None
            os.kill(server.pid, signal.SIGSTOP)
            before = open_lines(shop)
            brokers.send(shop, lines[sent : sent + 100])
            sent += 100
            if more_kept_soon(shop, before):
                break
            # it was about to say that it has nothing to do: it waits for Redis, and reads nothing
            os.kill(server.pid, signal.SIGCONT)
    finally:
        first.kill()
        first.communicate()
        os.kill(server.pid, signal.SIGCONT)
    assert brokers.committed(shop) == sent - 100
    second = start(shop, "--transport", "kafka")
    try:
        brokers.send(shop, lines[sent:])
        until(lambda: brokers.committed(shop) == 2_000)
    finally:
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=60)

    result = check(connect(shop), shop)
    assert (result.transport_ids, result.accepted, result.duplicates) == (2_000, 2_000, 0)
    assert result.redelivered > 0  # kept by the first, and again by the second
    assert result.agrees
    assert result.state_events == 2_000
    assert {record["event_id"] for record in kept(shop)} == {f"e{n}" for n in range(2_000)}
    assert left_open(shop) == []


@pytest.mark.slow
def test_frozen_brokers_are_waited_for(shop: Settings, brokers: Brokers, make_line: Line) -> None:
    """It asks whether anything is left, and must neither fail nor take silence for nothing."""
    brokers.send(shop, [make_line(number) for number in range(100)])
    process = start(shop, "--transport", "kafka", "--idle-exit", "2")
    until(lambda: brokers.committed(shop) == 100)
    with brokers.frozen():
        assert process.stderr is not None
        assert "Kafka is unavailable" in process.stderr.readline().decode()
        assert "no Kafka broker answers" in shown(shop)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert out.startswith(b"100 received")
