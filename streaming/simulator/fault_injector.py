"""Injects the faults of a real stream at given shares, and records each one.

An event gets at most one fault. No valid event is lost to a fault: a malformed line is sent in
addition to its event, and only a wrong clock changes an event so that the speed layer rejects it.
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

MAX_DELAY = 40
"""A delayed event, or the second copy of a duplicate, is sent up to this many events later."""

TOO_LATE_SHARE = 0.2
"""The share of the late events that are too late for the speed layer."""


@dataclass(frozen=True)
class Shares:
    """Shares of the events, each from 0 to 1, with a sum of at most 1.

    Raises:
        ConfigurationError: a share is below 0, or the sum is above 1.
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
                "shares of faults must be between 0 and 1, and their sum at most 1",
                found=", ".join(f"{name} {share:g}" for name, share in shares.items() if share),
                help="write 0.05 for one event in twenty",
            )


@dataclass
class Truth:
    """The faults that were injected, by event id."""

    events: int = 0
    duplicates: list[str] = field(default_factory=list)
    late: dict[str, float] = field(default_factory=dict)
    """Seconds between the event and its sending, for events that the speed layer still counts."""
    too_late: dict[str, float] = field(default_factory=dict)
    out_of_order: list[str] = field(default_factory=list)
    wrong_clocks: dict[str, float] = field(default_factory=dict)
    """Seconds ahead."""
    malformed: list[str] = field(default_factory=list)
    """The lines; bytes that are not UTF-8 are escaped."""

    def expected(self) -> dict[str, int]:
        """How the speed layer must count the messages, when each is delivered once.

        Events that are too late or dated ahead are accepted too: they do not change a real-time
        feature, and staging decides about them.
        """
        return {
            "messages": self.events + len(self.duplicates) + len(self.malformed),
            "accepted": self.events,
            "duplicates": len(self.duplicates),
            "dead_letters": len(self.malformed),
        }

    def planted(self) -> dict[str, object]:
        """All faults, for a JSON file."""
        return asdict(self)


class FaultInjector:
    """Turns events into messages, some with a fault. Equal seeds give the same faults.

    Args:
        truth: where to record the faults; None: nowhere.
    """

    def __init__(self, shares: Shares, seed: int, truth: Truth | None = None) -> None:
        self._random = random.Random(seed)
        self._truth = truth
        self._sent = 0
        self._delayed: list[tuple[int, int, Message]] = []
        ends, total = [], 0.0
        for name, share in asdict(shares).items():
            total += share
            ends.append((total, name))
        self._ends = ends if total else []

    def messages(self, event: Event) -> Iterator[Message]:
        """The messages to send for an event, then the delayed messages that are due."""
        self._sent += 1
        if self._truth:
            self._truth.events += 1
        fault = self._draw()
        if fault is None:
            yield message_of(event)
        else:
            yield from getattr(self, f"_{fault}")(event)
        while self._delayed and self._delayed[0][0] <= self._sent:
            yield heapq.heappop(self._delayed)[2]

    def delayed(self) -> Iterator[Message]:
        """The messages that are still delayed when the stream ends."""
        while self._delayed:
            yield heapq.heappop(self._delayed)[2]

    def _draw(self) -> str | None:
        if not self._ends:
            return None
        draw = self._random.random()
        return next((name for end, name in self._ends if draw < end), None)

    def _delay(self, message: Message) -> None:
        due = self._sent + self._random.randint(1, MAX_DELAY)
        heapq.heappush(self._delayed, (due, self._sent, message))

    def _duplicates(self, event: Event) -> Iterator[Message]:
        if self._truth:
            self._truth.duplicates.append(event.event_id)
        message = message_of(event)
        self._delay(message)
        yield message

    def _out_of_order(self, event: Event) -> Iterator[Message]:
        if self._truth:
            self._truth.out_of_order.append(event.event_id)
        self._delay(message_of(event))
        yield from ()

    def _late(self, event: Event) -> Iterator[Message]:
        # an hour off the limit on either side, so that a slow reader cannot move an event across it
        limit, hour = MAX_LATE.total_seconds(), 3600.0
        too_late = self._random.random() < TOO_LATE_SHARE
        low, high = (limit + hour, 3 * limit) if too_late else (60.0, limit - hour)
        seconds = self._random.uniform(low, high)
        if self._truth:
            record = self._truth.too_late if too_late else self._truth.late
            record[event.event_id] = seconds
        yield message_of(_shifted(event, -seconds))

    def _wrong_clocks(self, event: Event) -> Iterator[Message]:
        ahead = self._random.choice((3600.0, 86_400.0, 10 * 365 * 86_400.0))
        seconds = 2 * MAX_AHEAD.total_seconds() + self._random.uniform(0, ahead)
        if self._truth:
            self._truth.wrong_clocks[event.event_id] = seconds
        yield message_of(_shifted(event, seconds))

    def _malformed(self, event: Event) -> Iterator[Message]:
        break_line = self._random.choice(MALFORMED)
        valid = message_of(event)
        line = break_line(valid.line)
        if self._truth:
            self._truth.malformed.append(line.decode(errors="backslashreplace"))
        yield Message(valid.key, line)
        yield valid


def _shifted(event: Event, seconds: float) -> Event:
    return event.model_copy(update={"occurred_at": event.occurred_at + timedelta(seconds=seconds)})
