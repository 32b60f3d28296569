"""What the speed layer asks of a transport."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from streaming.received import Delivery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def received_at(milliseconds: int) -> datetime:
    """When a server took an event, by its own word, which a producer may have put in its mouth:
    beyond the year 9999 is the end of that year."""
    with suppress(OverflowError):
        return EPOCH + timedelta(milliseconds=milliseconds)
    return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Backlog:
    """What a transport still holds: never delivered (lag), and delivered but not acknowledged."""

    lag: int | None
    """None where it cannot be told: a pipe, or a Redis Stream that was trimmed unread."""
    pending: int


class Transport(Protocol):
    """A source of events. Whoever reads from it does not know which it is."""

    @property
    def name(self) -> str:
        """pipe, redis or kafka."""

    @property
    def redelivers(self) -> bool:
        """Whether what was read and not acknowledged comes again."""

    @property
    def ended(self) -> bool:
        """Whether nothing will ever come any more."""

    def read(self, most: int, wait: float) -> list[Delivery]:
        """Up to so many deliveries, waiting up to so many seconds for the first.

        After an error, what was read and not acknowledged is read again.
        """

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell that these are kept, and need not come again."""

    def backlog(self) -> Backlog:
        """What is still to be done."""

    def close(self) -> None:
        """Let go of it, so that others may take over at once."""
