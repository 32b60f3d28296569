"""Where the events of a shop travel and rest: names that producers, speed layer and ingest share."""

from __future__ import annotations

GROUP = "speed-layer"
"""The consumer group of the speed layer, in Redis Streams and in Kafka."""

FIELD = b"event"
"""The one field of a stream entry; its value is an event as JSON, as on a line of a pipe."""

EVENTS = "stream/events"
"""Segments of valid events, below `<lake>/raw`, in folders `ingest_date=YYYY-MM-DD`."""

DEAD_LETTERS = "stream/dead_letters"
"""Segments of what is no event, in the same way."""

SEALED = ".jsonl.gz"
"""The ending of a segment that is complete; an open one ends otherwise."""


def stream_key(project: str) -> str:
    """The Redis Stream of a project's events."""
    return f"recomart:{project}:events"


def consumers_key(project: str) -> str:
    """The hash in Redis in which each consumer of a project says how it fares."""
    return f"recomart:{project}:consumers"


def kafka_topic(project: str) -> str:
    """The Kafka topic of a project's events; a message's key is the user, its value the JSON."""
    return f"{project}.events"
