"""An event as a transport delivered it: as bytes, and as what these say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recomart.events import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes that should be an event. The first two fields are those of `Received`."""

    transport_id: str
    received_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A valid event with what its transport says of it.

    Args:
        transport_id: names the delivery, the same however often it is redelivered: the entry of a
            Redis Stream, partition and offset, or run and line of a pipe.
        received_at: when the transport took it (UTC), the same at every redelivery. Lateness is
            counted from here, and not from when somebody reads it.
    """

    transport_id: str
    received_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that is no event, and why."""

    delivery: Delivery
    reason: str
