"""Events from a Kafka topic, through the consumer group of the speed layer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from recomart.errors import ConfigurationError, KafkaUnavailable
from recomart.streams import GROUP
from streaming.received import Delivery
from streaming.transports.transport import Backlog, received_at

log = logging.getLogger(__name__)

FIRST_SECONDS = 10.0
"""For the brokers' first answer. Later librdkafka itself waits for them, and says so in its log."""
SESSION_MS = 10_000
"""After so long a silent consumer counts as dead, and others get its partitions."""


def kafka_client(servers: str | None) -> tuple[Any, str]:
    """The package confluent_kafka, and the brokers to give it.

    Raises:
        ConfigurationError: no brokers are named, or the extra `kafka` is not installed.
    """
    if servers is None:
        raise ConfigurationError(
            "no Kafka brokers are named",
            help="set RECOMART_KAFKA_SERVERS to host:port,...",
        )
    try:
        import confluent_kafka
    except ImportError as exc:
        raise ConfigurationError(
            "the package confluent-kafka is not installed",
            help="install RecoMart with its extra: pip install -e '.[kafka]'",
        ) from exc
    return confluent_kafka, servers


def require_broker(client: Any, topic: str, servers: str) -> None:
    """Make sure that a broker answers a consumer or producer.

    Raises:
        KafkaUnavailable: none does.
    """
    kafka, _ = kafka_client(servers)
    try:
        client.list_topics(topic, timeout=FIRST_SECONDS)
    except kafka.KafkaException as exc:
        raise _unavailable(servers, exc.args[0]) from exc


def group_backlog(servers: str | None, topic: str) -> Backlog:
    """What the group has not committed, asked from outside of it.

    Raises:
        ConfigurationError: as `kafka_client`.
        KafkaUnavailable: no broker answers.
    """
    kafka, named = kafka_client(servers)
    consumer = _consumer(kafka, named)
    try:
        return _backlog(consumer, topic, named)
    finally:
        consumer.close()


def _consumer(kafka: Any, servers: str) -> Any:
    """A client that may join the group."""
    return kafka.Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
        },
        logger=log,
    )


def _backlog(consumer: Any, topic: str, servers: str) -> Backlog:
    kafka, _ = kafka_client(servers)
    lag = 0
    try:
        numbers = consumer.list_topics(topic, timeout=FIRST_SECONDS).topics[topic].partitions
        partitions = [kafka.TopicPartition(topic, number) for number in numbers]
        found = consumer.committed(partitions, timeout=FIRST_SECONDS) if partitions else []
        for partition in found:
            low, high = consumer.get_watermark_offsets(partition, timeout=FIRST_SECONDS)
            lag += high - max(low, partition.offset)  # negative where nothing was committed
    except kafka.KafkaException as exc:
        raise _unavailable(servers, exc.args[0]) from exc
    return Backlog(lag, 0)


def _unavailable(servers: str, error: Any) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"no Kafka broker answers at {servers}",
        where="RECOMART_KAFKA_SERVERS",
        found=error.str(),
        help="start the brokers, or mend the address",
    )


class Kafka:
    """A member of the group. Offsets are committed after the state is written, and never before.

    A message's timestamp is when it was received: give the topic `message.timestamp.type =
    LogAppendTime`, so that it is the broker's clock and not the producer's.
    """

    name = "kafka"
    redelivers = True
    ended = False

    def __init__(self, servers: str | None, topic: str) -> None:
        """Args:
            servers: host:port,... of the brokers.

        Raises:
            ConfigurationError: no brokers are named, or the extra `kafka` is not installed.
            KafkaUnavailable: no broker answers.
        """
        self._kafka, self._servers = kafka_client(servers)
        self._topic = topic
        errors = self._kafka.KafkaError
        self._not_ours = {
            errors.ILLEGAL_GENERATION, errors.UNKNOWN_MEMBER_ID, errors.REBALANCE_IN_PROGRESS,
        }  # fmt: skip
        self._consumer = _consumer(self._kafka, self._servers)
        require_broker(self._consumer, topic, self._servers)
        self._consumer.subscribe([topic])

    def read(self, most: int, wait: float) -> list[Delivery]:
        """As `Transport.read`.

        Raises:
            KafkaException: the client cannot go on.
        """
        first = self._consumer.poll(wait)
        if first is None:
            return []
        rest = self._consumer.consume(most - 1, 0.0) if most > 1 else []
        return [self._delivery(message) for message in (first, *rest) if self._is_good(message)]

    def _is_good(self, message: Any) -> bool:
        error = message.error()
        if error is not None and error.fatal():
            raise self._kafka.KafkaException(error)
        if error is not None:
            log.info("Kafka: %s", error.str())  # a topic that is not there yet, a broker that left
        return error is None

    def _delivery(self, message: Any) -> Delivery:
        name = f"{message.topic()}/{message.partition()}/{message.offset()}"
        _, milliseconds = message.timestamp()
        return Delivery(name, received_at(milliseconds), message.value() or b"")

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """As `Transport.acknowledge`. Where partitions went to another member meanwhile, that one
        gets the messages again, and this changes nothing.

        Raises:
            KafkaUnavailable: no broker answers. It may be asked again.
            KafkaException: the client cannot go on.
        """
        ends: dict[int, int] = {}
        for delivery in deliveries:
            _, partition, offset = delivery.transport_id.rsplit("/", 2)
            ends[int(partition)] = max(int(offset) + 1, ends.get(int(partition), 0))
        offsets = [self._kafka.TopicPartition(self._topic, *end) for end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except self._kafka.KafkaException as exc:
            error = exc.args[0]
            if error.fatal():
                raise
            if error.code() not in self._not_ours:
                raise _unavailable(self._servers, error) from exc
            log.warning("Kafka: another member gets these again: %s", error.str())

    def backlog(self) -> Backlog:
        """As `Transport.backlog`, for the whole group; what is delivered is part of the lag until
        it is committed.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        return _backlog(self._consumer, self._topic, self._servers)

    def close(self) -> None:
        """Leave the group, so that others get the partitions at once."""
        self._consumer.close()
