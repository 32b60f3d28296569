"""Where the events of a shop travel: names that producers and the speed layer share."""

from __future__ import annotations

GROUP = "speed-layer"
"""The consumer group of the speed layer, in Redis Streams and in Kafka."""

FIELD = b"event"
"""The one field of a stream entry; its value is an event as JSON, as on a line of a pipe."""


def stream_key(project: str) -> str:
    """The Redis Stream of a project's events."""
    return f"recomart:{project}:events"


def kafka_topic(project: str) -> str:
    """The Kafka topic of a project's events; a message's key is the user, its value the JSON."""
    return f"{project}.events"
