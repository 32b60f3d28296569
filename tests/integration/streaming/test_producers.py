"""Producers of the simulator against a real Redis that is full, away, and back."""

import threading
from collections.abc import Callable

import confluent_kafka
import pytest

from feature_store.online.redis import NAME, connect, start_embedded
from feature_store.realtime.streams import FIELD, kafka_topic, stream_key
from recomart import processes
from recomart.settings import Settings
from streaming.simulator import KafkaProducer, RedisProducer
from streaming.simulator.messages import Message
from streaming.stop_signals import Stop


class Watched:
    """A producer, the lines that it prints, and messages that another thread sends."""

    def __init__(self, settings: Settings) -> None:
        self.said: list[str] = []
        self.waits = threading.Event()
        self.stop = Stop()
        self.producer = RedisProducer(settings, self.stop, self._say)

    def _say(self, text: str) -> None:
        self.said.append(text)
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
    RedisProducer(settings, Stop(), pytest.fail).send(messages(1200))
    assert entries(settings) == [message.line for message in messages(1200)]


def test_a_full_redis_makes_the_producer_wait_and_nothing_is_lost(settings: Settings) -> None:
    watched = Watched(settings)
    client = connect(settings)
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory", used + 2_000_000)
    sent = messages(400, size=10_000)
    ended = watched.in_background(sent)
    assert watched.waits.wait(60)
    assert watched.said[0].startswith("Redis is full")
    assert len(entries(settings)) < 400
    client.config_set("maxmemory", 0)
    ended()
    assert sorted(entries(settings)) == sorted(message.line for message in sent)
    assert len(watched.said) == 2
    assert watched.said[1].startswith("the producer resumed")


def test_a_redis_that_is_away_makes_the_producer_wait_until_it_is_back(settings: Settings) -> None:
    watched = Watched(settings)
    watched.producer.send(messages(10))
    processes.stop(settings, NAME)
    ended = watched.in_background(messages(20)[10:])
    assert watched.waits.wait(60)
    assert watched.said[0].startswith("Redis does not answer")
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
    assert len(watched.said) == 1


def test_messages_of_a_user_keep_their_order_on_kafka(settings: Settings) -> None:
    cluster = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    address = f"{broker.host}:{broker.port}"
    shop = settings.model_copy(update={"kafka_servers": address})
    sent = [Message(f"u{number % 3}", b"%d" % number) for number in range(600)]
    KafkaProducer(shop, Stop(), pytest.fail).send(sent)
    reader = confluent_kafka.Consumer(
        {"bootstrap.servers": address, "group.id": "t", "auto.offset.reset": "earliest"}
    )
    reader.subscribe([kafka_topic(settings.feast_project)])
    found: dict[bytes, list[bytes]] = {}
    for _ in range(600):
        message = reader.poll(30)
        assert message is not None
        assert message.error() is None
        found.setdefault(message.key(), []).append(message.value())
    reader.close()
    assert found == {
        b"u%d" % user: [b"%d" % n for n in range(600) if n % 3 == user] for user in range(3)
    }
