"""Producers of the simulator against a real Redis that is full, away, and back."""

import threading
from collections.abc import Callable

import pytest

from recomart import processes
from recomart.redis import NAME, connect, start_embedded
from recomart.settings import Settings
from recomart.streams import FIELD, stream_key
from streaming.simulator import RedisProducer
from streaming.simulator.messages import Message


class Watched:
    """A producer with what it told, and messages that another thread sends."""

    def __init__(self, settings: Settings) -> None:
        self.told: list[str] = []
        self.waits = threading.Event()
        self.stop = threading.Event()
        self.producer = RedisProducer(settings, self.stop, self._tell)

    def _tell(self, text: str) -> None:
        self.told.append(text)
        self.waits.set()

    def in_background(self, messages: list[Message]) -> Callable[[], None]:
        thread = threading.Thread(target=self.producer.send, args=(messages,), daemon=True)
        thread.start()

        def ended() -> None:
            thread.join(60)
            assert not thread.is_alive()

        return ended


def messages(count: int, size: int = 0) -> list[Message]:
    return [Message("u", b"%d:%s" % (number, b"x" * size)) for number in range(count)]


def entries(settings: Settings) -> list[bytes]:
    found = connect(settings).xrange(stream_key(settings.feast_project))
    return [fields[FIELD] for _, fields in found]


def test_entries_are_the_lines_in_their_order(settings: Settings) -> None:
    RedisProducer(settings, threading.Event(), pytest.fail).send(messages(1200))
    assert entries(settings) == [message.line for message in messages(1200)]


def test_a_full_redis_makes_the_producer_wait_and_nothing_is_lost(settings: Settings) -> None:
    watched = Watched(settings)
    client = connect(settings)
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory", used + 2_000_000)
    sent = messages(400, size=10_000)
    ended = watched.in_background(sent)
    assert watched.waits.wait(60)
    assert watched.told[0].startswith("Redis is full")
    assert len(entries(settings)) < 400
    client.config_set("maxmemory", 0)
    ended()
    assert sorted(entries(settings)) == sorted(message.line for message in sent)
    assert len(watched.told) == 2
    assert watched.told[1].startswith("the producer goes on")


def test_a_redis_that_is_away_makes_the_producer_wait_until_it_is_back(settings: Settings) -> None:
    watched = Watched(settings)
    watched.producer.send(messages(10))
    processes.stop(settings, NAME)
    ended = watched.in_background(messages(20)[10:])
    assert watched.waits.wait(60)
    assert watched.told[0].startswith("Redis does not answer")
    start_embedded(settings)
    ended()
    assert set(entries(settings)) == {message.line for message in messages(20)}


def test_a_stop_ends_the_wait_for_a_redis_that_is_away(settings: Settings) -> None:
    watched = Watched(settings)
    processes.stop(settings, NAME)
    ended = watched.in_background(messages(1))
    assert watched.waits.wait(60)
    watched.stop.set()
    ended()
    assert len(watched.told) == 1
