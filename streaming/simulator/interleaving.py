"""Many simultaneous visits as one stream of events, at an even rate."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

from recomart.events import key_hash
from streaming.simulator.scheduled_event import ScheduledEvent

SECONDS_PER_EVENT = 24.0
"""The average time between two events of one visitor."""

EVENTS_PER_VISIT = 9
"""The average length of a visit."""

MIN_VISITS, MAX_VISITS = 4, 100
"""Limits to the number of simultaneous visits. Between them, there are as many visits as the rate
needs for each visitor to act at a natural speed; above them, visitors act faster."""

TRIES = 20
"""How many visits are drawn to find one whose user is not visiting already."""

SHORTEST_STEP = 0.001
"""Seconds between the times of two events, when they are sent without waiting."""


class Visit(Protocol):
    """One user's visit: its actions in order, in three sequences of equal length (at least 1).

    Whoever makes visits, such as the demo shop, has a class of its own for them.
    """

    @property
    def user_id(self) -> str: ...

    @property
    def seconds(self) -> Sequence[float]:
        """Since the visit began, in ascending order."""

    @property
    def event_types(self) -> Sequence[str]:
        """Values of `recomart.events.EVENT_TYPES`."""

    @property
    def product_ids(self) -> Sequence[str]:
        """The product of each action."""


def interleave(
    visits: Iterable[Visit], *, rate: float | None, seed: int, start: datetime | None
) -> Iterator[ScheduledEvent]:
    """The events of interleaved visits, each `1 / rate` seconds after the one before.

    Ids contain a hash of seed and start, so two runs have different ids unless both are equal.

    Args:
        rate: events per second; None: without waiting.
        start: the time of the first event; None: events happen when they are sent, and ids are
            made from the current time.
    """
    run = f"live-{key_hash(str(seed), (start or datetime.now()).isoformat())[:10]}"
    step = SHORTEST_STEP if rate is None else 1 / rate
    actions = _interleaved_actions(iter(visits), _simultaneous_visits(rate))
    for number, (visit, visit_number, place) in enumerate(actions):
        offset = number * step
        yield ScheduledEvent(
            offset=offset,
            event_id=f"{run}-{number + 1:07d}",
            event_type=visit.event_types[place],
            user_id=visit.user_id,
            session_id=f"{run}-s{visit_number:06d}",
            product_id=visit.product_ids[place],
            occurred_at=start + timedelta(seconds=offset) if start else None,
        )


def _simultaneous_visits(rate: float | None) -> int:
    if rate is None:
        return MAX_VISITS
    return int(min(MAX_VISITS, max(MIN_VISITS, rate * SECONDS_PER_EVENT)))


def _interleaved_actions(
    visits: Iterator[Visit], simultaneous: int
) -> Iterator[tuple[Visit, int, int]]:
    """(visit, number of the visit from 1, place of the action in it), ordered by time.

    When a visit ends, the next one begins.
    """
    numbers = count(1)
    visiting: set[str] = set()
    pending: list[tuple[float, int, int, Visit, float]] = []  # time, number, place, visit, begin

    def begin_visit(now: float) -> None:
        for _, visit in zip(range(TRIES), visits, strict=False):
            if visit.user_id not in visiting:
                visiting.add(visit.user_id)
                begin = now - visit.seconds[0]
                heapq.heappush(pending, (now, next(numbers), 0, visit, begin))
                return

    for place in range(simultaneous):
        # spread over time: the start of a visit has other event types than its end
        begin_visit(place * SECONDS_PER_EVENT * EVENTS_PER_VISIT / simultaneous)
    while pending:
        now, number, place, visit, begin = heapq.heappop(pending)
        yield visit, number, place
        if place + 1 < len(visit.seconds):
            later = begin + visit.seconds[place + 1]
            heapq.heappush(pending, (later, number, place + 1, visit, begin))
        else:
            visiting.discard(visit.user_id)
            begin_visit(now)
