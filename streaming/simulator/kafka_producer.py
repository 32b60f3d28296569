"""A producer that sends messages to a Kafka topic."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from feature_store.realtime.streams import kafka_topic
from recomart.settings import Settings
from streaming.simulator.messages import Message
from streaming.simulator.producers import PAUSE_SECONDS, Say
from streaming.stop_signals import Stop
from streaming.transports.kafka import kafka_client, require_broker

log = logging.getLogger(__name__)

SILENT_SECONDS = 5.0
"""After this time without an acknowledgement, the producer prints a line."""


class KafkaProducer:
    """Sends messages to the shop's topic, keyed by user, so that a user's events keep their order.

    librdkafka resends unacknowledged messages without duplicating them (an idempotent producer).
    While no broker answers it waits, with one line when the wait begins and one when it ends.

    Args:
        stop: ends a wait when set; unsent messages are dropped.

    Raises:
        ConfigurationError: no brokers are named, or the extra `kafka` is not installed.
        KafkaUnavailable: no broker answers at the start.
    """

    def __init__(self, settings: Settings, stop: Stop, say: Say) -> None:
        self._kafka, servers = kafka_client(settings.kafka_servers)
        self._topic = kafka_topic(settings.feast_project)
        self._stop = stop
        self._say = say
        self._fatal: Any = None
        self._producer = self._kafka.Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 0,  # never give up: `stop` ends the wait
                "error_cb": self._on_error,
            },
            logger=log,
        )
        require_broker(self._producer, self._topic, servers)

    def send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._put(message)
        waited, reported = 0.0, False
        while self._producer.flush(PAUSE_SECONDS) and not self._stop.is_set():
            self._raise_fatal()
            waited += PAUSE_SECONDS
            if waited >= SILENT_SECONDS and not reported:
                self._say("no Kafka broker acknowledges: the producer is waiting")
                reported = True
        self._raise_fatal()
        if reported and not self._stop.is_set():
            self._say(f"the producer resumed after {waited:.1f} s")

    def close(self) -> None:
        """Nothing to do: each batch was acknowledged, or the user ended the wait for it."""

    def _put(self, message: Message) -> None:
        while not self._stop.is_set():
            try:
                self._producer.produce(self._topic, message.line, message.key)
                return
            except BufferError:  # its queue is full
                self._producer.poll(PAUSE_SECONDS)

    def _on_error(self, error: Any) -> None:
        if error.fatal():
            self._fatal = error

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._kafka.KafkaException(self._fatal)
