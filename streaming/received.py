"""An event as a transport delivered it: as bytes, and after validation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recomart.events import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes that should be an event. `Received` explains the first two fields."""

    transport_id: str
    received_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A valid event with its delivery.

    Args:
        transport_id: identifies the delivery and stays the same when it is redelivered: the id of
            a Redis Stream entry, a Kafka topic, partition and offset, or run and line of a pipe.
        received_at: when the transport received it (UTC); stays the same when it is redelivered.
            Lateness is measured from here, and not from when a consumer reads it.
    """

    transport_id: str
    received_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that is not a valid event, and the reason."""

    delivery: Delivery
    reason: str
