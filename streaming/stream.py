"""`recomart stream`: sets up one consumer of the shop's events, and runs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Literal

import redis
from redis.exceptions import RedisError

from feature_store.online.redis import connect, redis_url
from feature_store.realtime.streams import kafka_topic, stream_key
from recomart import processes
from recomart.errors import RedisUnavailable
from recomart.lake import open_lake
from recomart.settings import Settings
from streaming.counts import Counts, Reporter
from streaming.journal import Journal, SegmentLimits, recover
from streaming.membership import consumer_name
from streaming.retrier import Retrier
from streaming.speed_layer import ConsumerOptions, SpeedLayer
from streaming.state import RealtimeState
from streaming.stop_signals import stop_signals
from streaming.transports.kafka import Kafka
from streaming.transports.pipe import Pipe
from streaming.transports.redis_stream import CLAIM_SECONDS, RedisStream
from streaming.transports.transport import Transport

TransportName = Literal["pipe", "redis", "kafka"]
REDIS_SECONDS = 5.0
"""A server that does not answer for this long counts as frozen."""


def stream(
    settings: Settings,
    transport: TransportName,
    *,
    say: Callable[[str], None],
    options: ConsumerOptions = ConsumerOptions(),  # noqa: B008 - frozen
    limits: SegmentLimits = SegmentLimits(),  # noqa: B008 - frozen
    claim_seconds: float | None = None,
) -> Counts:
    """Consume the shop's events until Ctrl-C, SIGTERM, or a limit of `options`.

    Args:
        say: prints a line for the user when the consumer has to wait, and when it resumes.

    Raises:
        WrongLake: the lake belongs to another shop.
        RedisUnavailable: no Redis answers at the start.
        KafkaUnavailable: no broker answers at the start.
        ConfigurationError: RECOMART_KAFKA_SERVERS is not set, or the extra `kafka` is missing.
        StreamInterrupted: it was stopped while Redis or the disk was unavailable. The segments
            stay open, and the next start continues from them.
    """
    open_lake(settings)
    client = connect(settings, deadline=REDIS_SECONDS)
    with consumer_name(settings) as consumer, stop_signals() as stop:
        name = f"stream-{consumer.rpartition('-')[2]}"
        with processes.registered(settings, name):

            def before_retry(exc: BaseException) -> None:
                if isinstance(exc, RedisError):
                    _restart_redis(settings)
                else:
                    layer.report()

            retrier = Retrier(say, stop.is_set, before_retry)
            source = _open(settings, transport, client, consumer, claim_seconds)
            reporter = Reporter(client, settings, consumer, transport)
            journal = Journal(settings.raw, consumer, limits)
            state = RealtimeState(client, settings)
            layer = SpeedLayer(
                source,
                journal,
                state,
                reporter,
                retrier,
                options,
                stop.is_set,
                partial(recover, settings.raw),
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


def _restart_redis(settings: Settings) -> None:
    """Start the embedded server if it has died; it reloads its data from its append-only file."""
    if settings.redis_url is None:
        with suppress(RedisUnavailable):  # the next retry starts it again
            redis_url(settings)
