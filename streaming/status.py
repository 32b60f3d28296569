"""The status of the stream: consumer lag, consumers, segments and real-time state."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import redis

from feature_store.realtime.layout import StateLayout
from feature_store.realtime.streams import DEAD_LETTERS, EVENTS, SEALED, kafka_topic, stream_key
from recomart.errors import RecoMartError
from recomart.settings import Settings
from streaming.counts import ConsumerReport, reports
from streaming.segment import OPEN
from streaming.transports.kafka import group_backlog
from streaming.transports.redis_stream import find_group
from streaming.transports.transport import Backlog

SILENT_SECONDS = 5.0
"""A consumer that has not reported for this long, and has not ended, is dead or stuck."""


@dataclass(frozen=True)
class Segments:
    """The number of segments of one kind, and their bytes on disk."""

    sealed: int
    open: int
    bytes: int


@dataclass(frozen=True)
class Status:
    """The status at one moment.

    Args:
        backlog: of the Redis Stream; None before the first consumer.
        kafka: the backlog of the Kafka topic, or why it is unknown; None without Kafka brokers.
        entries: the length of the Redis Stream.
        state: counts of the real-time state (featured, duplicates, late, ahead) and times in
            microseconds since 1970.
    """

    backlog: Backlog | None
    kafka: Backlog | str | None
    entries: int
    consumers: tuple[ConsumerReport, ...]
    events: Segments
    dead_letters: Segments
    state: dict[str, int]


def status(client: redis.Redis, settings: Settings) -> Status:
    """Read the status from Redis and the lake, without changing anything.

    Raises:
        RedisError: the server does not answer.
    """
    key = stream_key(settings.feast_project)
    group = find_group(client, key.encode())
    stats: dict = client.hgetall(StateLayout(settings.feast_project).stats_key)  # type: ignore[assignment]  # redis-py types the async client's answer too
    return Status(
        backlog=Backlog(group[b"lag"], group[b"pending"]) if group else None,
        kafka=_kafka_backlog(settings),
        entries=client.xlen(key),  # type: ignore[arg-type]  # as above
        consumers=tuple(reports(client, settings)),
        events=_segments(settings, EVENTS),
        dead_letters=_segments(settings, DEAD_LETTERS),
        state={name.decode(): int(value) for name, value in stats.items()},
    )


def consumer_state(report: ConsumerReport) -> str:
    """The state of a consumer: stopped, running, not responding, or what it waits for."""
    if report.ended:
        return "stopped"
    if report.waiting_for is not None:
        return report.waiting_for
    silent = time.time() - report.reported_at
    return "running" if silent < SILENT_SECONDS else f"no report for {silent:,.0f} s"


def _kafka_backlog(settings: Settings) -> Backlog | str | None:
    if settings.kafka_servers is None:
        return None
    try:
        return group_backlog(settings.kafka_servers, kafka_topic(settings.feast_project))
    except RecoMartError as exc:
        return str(exc)


def _segments(settings: Settings, kind: str) -> Segments:
    found = [path for path in (settings.raw / kind).glob("*/*") if not path.name.startswith(".")]
    return Segments(
        sealed=sum(path.name.endswith(SEALED) for path in found),
        open=sum(path.name.endswith(OPEN) for path in found),
        bytes=sum(map(_size, found)),
    )


def _size(path: Path) -> int:
    """The bytes of a segment; 0 if it was sealed in the meantime, which renames it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
