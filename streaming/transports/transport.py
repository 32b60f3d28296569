"""The protocol of a transport, from which the speed layer reads."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from streaming.received import Delivery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def received_at(milliseconds: int) -> datetime:
    """When a server received an event, from its milliseconds since 1970.

    A producer may have set this value: times beyond the year 9999 become the end of that year.
    """
    with suppress(OverflowError):
        return EPOCH + timedelta(milliseconds=milliseconds)
    return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Backlog:
    """Events that are not delivered yet (lag), and delivered but not acknowledged (pending)."""

    lag: int | None
    """None if it is unknown: for a pipe, or a Redis Stream that was trimmed before it was read."""
    pending: int


class Transport(Protocol):
    """A source of events. Its reader does not need to know which kind it is."""

    @property
    def name(self) -> str:
        """pipe, redis or kafka."""

    @property
    def redelivers(self) -> bool:
        """Whether unacknowledged deliveries are delivered again."""

    @property
    def ended(self) -> bool:
        """Whether no more events will ever arrive."""

    def read(self, limit: int, timeout: float) -> list[Delivery]:
        """Up to `limit` deliveries, waiting up to `timeout` seconds for the first.

        After an error, unacknowledged deliveries are read again.
        """

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Confirm that these are stored and need not be delivered again."""

    def backlog(self) -> Backlog:
        """How many events are undelivered and unacknowledged."""

    def close(self) -> None:
        """Leave, so that other consumers can take over at once."""
