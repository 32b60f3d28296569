"""Many visits at once, as a shop's door sees them: one stream of events, an even step apart."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count

from recomart.events import key_hash
from recomart.visit import Visit
from streaming.simulator.draft import Draft

SECONDS_PER_EVENT = 24.0
"""How long a visitor takes for one event, about; a visit, some nine events."""

FEWEST, MOST = 4, 100
"""Visits that go on at once. As many as the rate needs for each to go at its natural pace, up to
the most: at higher rates the visitors hurry."""

TRIES = 20
"""Visits that are looked at until one is by somebody who is not in the shop already."""

FASTEST_STEP = 0.001
"""Seconds between the times of two events from a given start, when they come without a pause."""


def crowd(
    visits: Iterable[Visit], *, rate: float | None, seed: int, start: datetime | None
) -> Iterator[Draft]:
    """Drafts of visits that interleave, each `1 / rate` seconds after the one before.

    Ids hold a hash of seed and start: two runs have other ids, the same run again the same ones.

    Args:
        rate: events per second; None: as many as can be.
        start: the time of the first event; None: events happen when they are told, and ids are
            made from the present moment.
    """
    name = f"live-{key_hash(str(seed), (start or datetime.now()).isoformat())[:10]}"
    step = FASTEST_STEP if rate is None else 1 / rate
    for number, (visit, session, place) in enumerate(_interleaved(iter(visits), _at_once(rate))):
        at = number * step
        yield Draft(
            at=at,
            event_id=f"{name}-{number + 1:07d}",
            event_type=visit.event_types[place],
            user_id=visit.user_id,
            session_id=f"{name}-s{session:06d}",
            product_id=visit.product_ids[place],
            occurred_at=start + timedelta(seconds=at) if start else None,
        )


def _at_once(rate: float | None) -> int:
    return MOST if rate is None else int(min(MOST, max(FEWEST, rate * SECONDS_PER_EVENT)))


def _interleaved(visits: Iterator[Visit], at_once: int) -> Iterator[tuple[Visit, int, int]]:
    """(visit, its number from 1, place in it) in the order of time; a visit that ends makes room."""
    numbers = count(1)
    inside: set[str] = set()
    going: list[tuple[float, int, int, Visit, float]] = []  # time, number, place, visit, begin

    def enter(now: float) -> None:
        for _, visit in zip(range(TRIES), visits, strict=False):
            if visit.user_id not in inside:
                inside.add(visit.user_id)
                begin = now - visit.seconds[0]
                heapq.heappush(going, (now, next(numbers), 0, visit, begin))
                return

    for place in range(at_once):
        # not all at once: what a visit is at its end differs from what it is at its beginning
        enter(place * SECONDS_PER_EVENT * 9 / at_once)
    while going:
        now, number, place, visit, begin = heapq.heappop(going)
        yield visit, number, place
        if place + 1 < len(visit.seconds):
            later = begin + visit.seconds[place + 1]
            heapq.heappush(going, (later, number, place + 1, visit, begin))
        else:
            inside.discard(visit.user_id)
            enter(now)
