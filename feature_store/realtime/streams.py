"""Names of streams, topics and segments, which producers, speed layer and ingestion share."""

from __future__ import annotations

GROUP = "speed-layer"
"""The consumer group of the speed layer, in Redis Streams and in Kafka."""

FIELD = b"event"
"""The only field of a stream entry. Its value is one event as JSON."""

EVENTS = "stream/events"
"""Segments of valid events, below `<lake>/raw`, in folders `ingest_date=YYYY-MM-DD`."""

DEAD_LETTERS = "stream/dead_letters"
"""Segments of invalid deliveries, in the same folders."""

SEALED = ".jsonl.gz"
"""The file extension of a complete segment; open segments have another one."""


def stream_key(project: str) -> str:
    """The Redis Stream of a project's events."""
    return f"recomart:{project}:events"


def consumers_key(project: str) -> str:
    """The Redis hash in which each consumer of a project publishes its reports."""
    return f"recomart:{project}:consumers"


def kafka_topic(project: str) -> str:
    """The Kafka topic of a project's events: the key is the user id, the value the event as JSON."""
    return f"{project}.events"
