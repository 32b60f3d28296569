"""Events from a Kafka topic, through the consumer group of the speed layer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from feature_store.realtime.streams import GROUP
from recomart.errors import ConfigurationError, KafkaUnavailable
from streaming.received import Delivery
from streaming.transports.transport import Backlog, received_at

log = logging.getLogger(__name__)

FIRST_SECONDS = 10.0
"""How long to wait for the first answer. Later, librdkafka itself waits and logs it."""
SESSION_MS = 10_000
"""After this time without a heartbeat a consumer counts as dead, and loses its partitions."""


def kafka_client(servers: str | None) -> tuple[Any, str]:
    """The package confluent_kafka, and the addresses of the brokers.

    Raises:
        ConfigurationError: RECOMART_KAFKA_SERVERS is not set, or the extra `kafka` is missing.
    """
    if servers is None:
        raise ConfigurationError(
            "RECOMART_KAFKA_SERVERS is not set",
            help="set it to the addresses of your Kafka brokers: host:port,...",
        )
    try:
        import confluent_kafka
    except ImportError as exc:
        raise ConfigurationError(
            "the package confluent-kafka is not installed",
            help="install RecoMart with the extra `kafka`: pip install -e '.[kafka]'",
        ) from exc
    return confluent_kafka, servers


def require_broker(client: Any, topic: str, servers: str) -> None:
    """Check that a broker answers.

    Raises:
        KafkaUnavailable: no broker answers.
    """
    kafka, _ = kafka_client(servers)
    try:
        client.list_topics(topic, timeout=FIRST_SECONDS)
    except kafka.KafkaException as exc:
        raise _unavailable(servers, exc.args[0]) from exc


def group_backlog(servers: str | None, topic: str) -> Backlog:
    """The backlog of the group, without joining it.

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
    """A consumer that can join the group."""
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
            lag += high - max(low, partition.offset)  # offset is negative before the first commit
    except kafka.KafkaException as exc:
        raise _unavailable(servers, exc.args[0]) from exc
    return Backlog(lag, 0)


def _unavailable(servers: str, error: Any) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"no Kafka broker answers at {servers}",
        where="RECOMART_KAFKA_SERVERS",
        found=error.str(),
        help="start the brokers, or correct the address",
    )


class Kafka:
    """A member of the consumer group. Offsets are committed only after the state is written.

    The timestamp of a message counts as its time of receipt. Set the topic's
    `message.timestamp.type` to `LogAppendTime`, so that it is the broker's clock.
    """

    name = "kafka"
    redelivers = True
    ended = False

    def __init__(self, servers: str | None, topic: str) -> None:
        """Args:
            servers: host:port,... of the brokers.

        Raises:
            ConfigurationError: RECOMART_KAFKA_SERVERS is not set, or the extra `kafka` is missing.
            KafkaUnavailable: no broker answers.
        """
        self._kafka, self._servers = kafka_client(servers)
        self._topic = topic
        errors = self._kafka.KafkaError
        self._rebalanced = {
            errors.ILLEGAL_GENERATION, errors.UNKNOWN_MEMBER_ID, errors.REBALANCE_IN_PROGRESS,
        }  # fmt: skip
        self._consumer = _consumer(self._kafka, self._servers)
        require_broker(self._consumer, topic, self._servers)
        self._consumer.subscribe([topic])

    def read(self, limit: int, timeout: float) -> list[Delivery]:
        """As `Transport.read`.

        Raises:
            KafkaException: a fatal error of the client.
        """
        first = self._consumer.poll(timeout)
        if first is None:
            return []
        rest = self._consumer.consume(limit - 1, 0.0) if limit > 1 else []
        return [self._delivery(message) for message in (first, *rest) if self._is_good(message)]

    def _is_good(self, message: Any) -> bool:
        error = message.error()
        if error is not None and error.fatal():
            raise self._kafka.KafkaException(error)
        if error is not None:
            log.info(
                "Kafka: %s", error.str()
            )  # a topic that does not exist yet, a broker that left
        return error is None

    def _delivery(self, message: Any) -> Delivery:
        name = f"{message.topic()}/{message.partition()}/{message.offset()}"
        _, milliseconds = message.timestamp()
        return Delivery(name, received_at(milliseconds), message.value() or b"")

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """As `Transport.acknowledge`. If another member has taken over a partition, it receives the
        messages again, and this call has no effect.

        Raises:
            KafkaUnavailable: no broker answers. It is safe to repeat.
            KafkaException: a fatal error of the client.
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
            if error.code() not in self._rebalanced:
                raise _unavailable(self._servers, error) from exc
            log.warning("Kafka: another member receives these messages again: %s", error.str())

    def backlog(self) -> Backlog:
        """As `Transport.backlog`, for the whole group. The lag includes delivered messages until
        they are committed.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        return _backlog(self._consumer, self._topic, self._servers)

    def close(self) -> None:
        """Leave the group, so that other members get its partitions at once."""
        self._consumer.close()
