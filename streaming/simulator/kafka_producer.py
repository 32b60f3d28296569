"""The simulator's messages on a Kafka topic."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from recomart.settings import Settings
from recomart.streams import kafka_topic
from streaming.simulator.messages import Message
from streaming.simulator.producers import PAUSE_SECONDS, Tell
from streaming.stop_signals import Stop
from streaming.transports.kafka import kafka_client, require_broker

log = logging.getLogger(__name__)

SILENT_SECONDS = 5.0
"""A broker that has acknowledged nothing for so long is worth a line."""


class KafkaProducer:
    """Messages of the shop's topic, keyed by user, so that a user's events keep their order.

    librdkafka sends again what a broker did not acknowledge, each once (an idempotent producer).
    Brokers that are away make it wait, with one line when it begins to and one when it goes on.

    Args:
        stop: ends a wait when set; what was not sent is dropped.

    Raises:
        ConfigurationError: no brokers are named, or the extra `kafka` is not installed.
        KafkaUnavailable: no broker answers at the start.
    """

    def __init__(self, settings: Settings, stop: Stop, tell: Tell) -> None:
        self._kafka, servers = kafka_client(settings.kafka_servers)
        self._topic = kafka_topic(settings.feast_project)
        self._stop = stop
        self._tell = tell
        self._fatal: Any = None
        self._producer = self._kafka.Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 0,  # never give up: the wait is ours to end
                "error_cb": self._note,
            },
            logger=log,
        )
        require_broker(self._producer, self._topic, servers)

    def send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._put(message)
        waited, told = 0.0, False
        while self._producer.flush(PAUSE_SECONDS) and not self._stop.is_set():
            self._raise_fatal()
            waited += PAUSE_SECONDS
            if waited >= SILENT_SECONDS and not told:
                self._tell("no Kafka broker acknowledges: the producer waits")
                told = True
        self._raise_fatal()
        if told and not self._stop.is_set():
            self._tell(f"the producer goes on after {waited:.1f} s")

    def close(self) -> None:
        """Nothing to do: every batch was acknowledged, or the wait for it was ended."""

    def _put(self, message: Message) -> None:
        while not self._stop.is_set():
            try:
                self._producer.produce(self._topic, message.line, message.key)
                return
            except BufferError:  # its queue is full
                self._producer.poll(PAUSE_SECONDS)

    def _note(self, error: Any) -> None:
        if error.fatal():
            self._fatal = error

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._kafka.KafkaException(self._fatal)
