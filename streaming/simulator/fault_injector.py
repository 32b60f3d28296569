"""Faults of a real stream, planted at given shares, and the truth about each.

An event is touched once at most. What the speed layer must refuse is planted so that no clean event
is lost: rubbish is an extra line beside its event; only a wrong clock spoils an event itself.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from recomart.errors import ConfigurationError
from recomart.events import MAX_AHEAD, MAX_LATE, Event
from streaming.simulator.malformed import MALFORMED
from streaming.simulator.messages import Message, message_of

HELD = 40
"""An event that is out of order, or told twice, comes up to this many events later."""

EARLIEST = timedelta(minutes=2)
TOO_LATE_SHARE = 0.2
"""Of the late events, so many are too late for the speed layer."""


@dataclass(frozen=True)
class Shares:
    """Shares of the events, 0 to 1, and together 1 at the most.

    Raises:
        ConfigurationError: one is below 0, or they are more than 1 together.
    """

    duplicates: float = 0.0
    late: float = 0.0
    out_of_order: float = 0.0
    wrong_clocks: float = 0.0
    malformed: float = 0.0

    def __post_init__(self) -> None:
        shares = asdict(self)
        if min(shares.values()) < 0 or sum(shares.values()) > 1:
            raise ConfigurationError(
                "shares of faults lie between 0 and 1, and are 1 together at the most",
                found=", ".join(f"{name} {share:g}" for name, share in shares.items() if share),
                help="0.05 is one event in twenty",
            )


@dataclass
class Truth:
    """What was planted, by event id."""

    events: int = 0
    duplicates: list[str] = field(default_factory=list)
    late: dict[str, float] = field(default_factory=dict)
    """Seconds between what happened and when it was told, of what the speed layer still counts."""
    too_late: dict[str, float] = field(default_factory=dict)
    out_of_order: list[str] = field(default_factory=list)
    wrong_clocks: dict[str, float] = field(default_factory=dict)
    """Seconds ahead."""
    malformed: list[str] = field(default_factory=list)
    """The lines, bytes that are no UTF-8 escaped."""

    def expected(self) -> dict[str, int]:
        """What becomes of the messages, when each is delivered once.

        What is too late or dated ahead is accepted too: it makes no real-time feature, and staging
        judges it.
        """
        return {
            "messages": self.events + len(self.duplicates) + len(self.malformed),
            "accepted": self.events,
            "duplicates": len(self.duplicates),
            "dead_letters": len(self.malformed),
        }

    def planted(self) -> dict[str, object]:
        """All of it, for a file."""
        return asdict(self)


class FaultInjector:
    """Turns events into messages, some of them spoiled. Equal seeds spoil the same events.

    Args:
        truth: filled as faults are planted; None: nobody asks.
    """

    def __init__(self, shares: Shares, seed: int, truth: Truth | None = None) -> None:
        self._random = random.Random(seed)
        self._truth = truth
        self._told = 0
        self._held: list[tuple[int, int, Message]] = []
        ends, total = [], 0.0
        for name, share in asdict(shares).items():
            total += share
            ends.append((total, name))
        self._ends = ends if total else []

    def messages(self, event: Event) -> Iterator[Message]:
        """What is sent for an event, after what was held back until now."""
        self._told += 1
        if self._truth:
            self._truth.events += 1
        fault = self._draw()
        if fault is None:
            yield message_of(event)
        else:
            yield from getattr(self, f"_{fault}")(event)
        while self._held and self._held[0][0] <= self._told:
            yield heapq.heappop(self._held)[2]

    def rest(self) -> Iterator[Message]:
        """What is still held back when the stream ends."""
        while self._held:
            yield heapq.heappop(self._held)[2]

    def _draw(self) -> str | None:
        if not self._ends:
            return None
        draw = self._random.random()
        return next((name for end, name in self._ends if draw < end), None)

    def _hold(self, message: Message) -> None:
        later = self._told + self._random.randint(1, HELD)
        heapq.heappush(self._held, (later, self._told, message))

    def _duplicates(self, event: Event) -> Iterator[Message]:
        if self._truth:
            self._truth.duplicates.append(event.event_id)
        message = message_of(event)
        self._hold(message)
        yield message

    def _out_of_order(self, event: Event) -> Iterator[Message]:
        if self._truth:
            self._truth.out_of_order.append(event.event_id)
        self._hold(message_of(event))
        yield from ()

    def _late(self, event: Event) -> Iterator[Message]:
        # an hour on either side of the limit, so that a slow reader does not move the line
        limit, hour = MAX_LATE.total_seconds(), 3600.0
        too_late = self._random.random() < TOO_LATE_SHARE
        low, high = (limit + hour, 3 * limit) if too_late else (60.0, limit - hour)
        seconds = self._random.uniform(low, high)
        if self._truth:
            into = self._truth.too_late if too_late else self._truth.late
            into[event.event_id] = seconds
        yield message_of(_moved(event, -seconds))

    def _wrong_clocks(self, event: Event) -> Iterator[Message]:
        ahead = self._random.choice((3600.0, 86_400.0, 10 * 365 * 86_400.0))
        seconds = 2 * MAX_AHEAD.total_seconds() + self._random.uniform(0, ahead)
        if self._truth:
            self._truth.wrong_clocks[event.event_id] = seconds
        yield message_of(_moved(event, seconds))

    def _malformed(self, event: Event) -> Iterator[Message]:
        spoil = self._random.choice(MALFORMED)
        clean = message_of(event)
        line = spoil(clean.line)
        if self._truth:
            self._truth.malformed.append(line.decode(errors="backslashreplace"))
        yield Message(clean.key, line)
        yield clean


def _moved(event: Event, seconds: float) -> Event:
    return event.model_copy(update={"occurred_at": event.occurred_at + timedelta(seconds=seconds)})
