"""`recomart stream`: one consumer of the shop's events, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Literal

import redis
from redis.exceptions import RedisError

from recomart import processes
from recomart.errors import RedisUnavailable
from recomart.lake import open_lake
from recomart.redis import connect, redis_url
from recomart.settings import Settings
from recomart.streams import kafka_topic, stream_key
from streaming.counts import Counts, Reporter
from streaming.journal import Journal, Limits, recover
from streaming.membership import consumer_name
from streaming.retrier import Retrier
from streaming.speed_layer import Pace, SpeedLayer
from streaming.state import RealtimeState
from streaming.stop_signals import stop_signals
from streaming.transports.kafka import Kafka
from streaming.transports.pipe import Pipe
from streaming.transports.redis_stream import CLAIM_SECONDS, RedisStream
from streaming.transports.transport import Transport

TransportName = Literal["pipe", "redis", "kafka"]
REDIS_SECONDS = 5.0
"""After so long a server that says nothing counts as frozen."""


def stream(
    settings: Settings,
    transport: TransportName,
    *,
    say: Callable[[str], None],
    pace: Pace = Pace(),  # noqa: B008 - frozen
    limits: Limits = Limits(),  # noqa: B008 - frozen
    claim_seconds: float | None = None,
) -> Counts:
    """Consume the shop's events until Ctrl-C, SIGTERM, or as `pace` says.

    Args:
        say: takes lines for the user: what is waited for, and that it goes on.

    Raises:
        WrongLake: the lake is another shop's.
        RedisUnavailable: there is no Redis to begin with.
        KafkaUnavailable: no broker answers.
        ConfigurationError: no brokers are named, or the extra `kafka` is not installed.
        StreamInterrupted: stopped while Redis or the disk refused; the segments stay open, and
            the next start goes on from them.
    """
    open_lake(settings)
    client = connect(settings, deadline=REDIS_SECONDS)
    with consumer_name(settings) as consumer, stop_signals() as stop:
        name = f"stream-{consumer.rpartition('-')[2]}"
        with processes.registered(settings, name):

            def before_retry(exc: BaseException) -> None:
                if isinstance(exc, RedisError):
                    _start_again(settings)
                else:
                    layer.report()

            retrier = Retrier(say, stop.is_set, before_retry)
            source = _open(settings, transport, client, consumer, claim_seconds)
            reporter = Reporter(client, settings, consumer, transport)
            journal = Journal(settings.raw, consumer, limits)
            state = RealtimeState(client, settings)
            left_open = partial(recover, settings.raw)
            layer = SpeedLayer(
                source, journal, state, reporter, retrier, pace, stop.is_set, left_open
            )
            try:
                return layer.run()
            finally:
                journal.release()
                source.close()


def _open(
    settings: Settings,
    name: TransportName,
    client: redis.Redis,
    consumer: str,
    claim_seconds: float | None,
) -> Transport:
    if name == "pipe":
        return Pipe()
    if name == "kafka":
        return Kafka(settings.kafka_servers, kafka_topic(settings.feast_project))
    key = stream_key(settings.feast_project)
    return RedisStream(client, key, consumer, claim_seconds=claim_seconds or CLAIM_SECONDS)


def _start_again(settings: Settings) -> None:
    """The embedded server, when it has died; it comes back with what its log holds."""
    if settings.redis_url is None:
        with suppress(RedisUnavailable):  # it died while it started; there is another try
            redis_url(settings)
