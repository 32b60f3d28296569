"""The demo shop's past, a day at a time: what was clicked, bought and rated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from demo_shop.pairs import Pairs
from demo_shop.people import visits_per_day
from demo_shop.plan import DAYS
from demo_shop.visits import Looks, Shelves, browse
from demo_shop.world import World

EVENTS_PER_SESSION = 9.15
"""Mean of what `browse` gives; turns a number of events into one of sessions."""

BLOCK = 4096
"""Sessions drawn at once, so that a busy day takes no more memory than a quiet one."""

HOURS = np.array(
    [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 11, 13, 16, 19, 20, 17, 11, 5],
    dtype=float,
)
"""How busy the hours of a visitor's own day are."""

RATES_A_LOOK, RATES_A_PURCHASE = 0.5, 0.6
"""Shares of looked-at and of bought products that are rated, when the user did not rate them yet."""

LATE = 0.01
"""Share of the events that are received a quarter of an hour late, more or less."""

KINDS = (
    "impression",
    "click",
    "view",
    "favorite",
    "add_to_cart",
    "remove_from_cart",
    "purchase",
)
"""Event types in the order in which they happen to a product."""


@dataclass(frozen=True)
class Events:
    """A day's events in the order in which they were received; arrays of length n.

    Users and products are numbers, and times milliseconds of the day, here and below.
    """

    kind: np.ndarray
    """Place in KINDS."""
    user: np.ndarray
    session: np.ndarray
    """Number of the session among the day's, from 0."""
    product: np.ndarray
    occurred: np.ndarray
    received: np.ndarray


@dataclass(frozen=True)
class Lines:
    """A day's order lines in the order of time; arrays of length n."""

    order: np.ndarray
    """Number of the order among the day's, from 0."""
    number: np.ndarray
    """1 for the order's first line."""
    user: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    time: np.ndarray


@dataclass(frozen=True)
class Ratings:
    """A day's ratings in the order of time; arrays of length n."""

    user: np.ndarray
    product: np.ndarray
    stars: np.ndarray
    time: np.ndarray


@dataclass(frozen=True)
class Day:
    """All that happened on one day."""

    day: int
    events: Events
    lines: Lines
    ratings: Ratings


@dataclass(frozen=True)
class Visits:
    """Looks of a day with their users and the time at which their sessions began, in seconds."""

    looks: Looks
    users: np.ndarray
    start: np.ndarray


class History:
    """Walks through the days once. Holds what later days must know: who owns and rated what."""

    def __init__(self, world: World) -> None:
        self._world = world
        users, products = len(world.people.ids), len(world.catalogue.ids)
        self._bought = Pairs(users, products)
        self._rated = Pairs(users, products)
        self._owed: dict[int, list[np.ndarray]] = defaultdict(list)

    def days(self) -> Iterator[Day]:
        """The days in their order, the first to the last."""
        plan = self._world.plan
        visits = visits_per_day(plan, round(plan.events / EVENTS_PER_SESSION))
        for day in range(DAYS):
            yield self._day(day, int(visits[day]))

    def _day(self, day: int, visits: int) -> Day:
        world = self._world
        shelves = Shelves.on(world.catalogue, day)
        active = np.cumsum(world.people.activity(day))
        blocks = []
        for number, begin in enumerate(range(0, visits, BLOCK)):
            rng = world.plan.random("visits", day, number)
            size = min(BLOCK, visits - begin)
            users = np.searchsorted(active, rng.random(size) * active[-1], side="right")
            looks = browse(rng, world, shelves, users, self._bought)
            start = _start(rng, world.people.hours_ahead[users], looks, world.plan.hours_of(day))
            blocks.append(Visits(looks, users, start))
        return self._tell(day, blocks)

    def _tell(self, day: int, blocks: list[Visits]) -> Day:
        rng = self._world.plan.random("telling", day)
        limit = self._world.plan.hours_of(day) * 3_600_000 - 1
        columns = [np.concatenate(parts) for parts in zip(*map(events_of, blocks), strict=True)]
        kind, user, start, product, occurred = columns
        # a session is known by its user and start, and numbered by its place among the day's
        session = np.unique(start * len(self._world.people.ids) + user, return_inverse=True)[1]
        late = np.where(rng.random(len(kind)) < LATE, rng.exponential(900_000, len(kind)), 0)
        received = occurred + rng.integers(20, 1500, len(kind)) + late.astype(np.int64)
        received = np.minimum(received, limit)
        order = np.lexsort((kind, occurred, received))
        values = (kind, user, session, product, occurred, received)
        events = Events(*(value[order] for value in values))
        return Day(day, events, self._lines(rng, events), self._ratings(day, rng, events, limit))

    def _lines(self, rng: np.random.Generator, events: Events) -> Lines:
        rows = np.flatnonzero(events.kind == KINDS.index("purchase"))
        rows = rows[np.lexsort((events.product[rows], events.session[rows], events.occurred[rows]))]
        order, number = _runs(events.session[rows])
        user, product = events.user[rows], events.product[rows]
        quantity = 1 + (rng.random(len(rows)) < 0.12)
        self._bought.add(user, product)
        return Lines(order, number, user, product, quantity, events.occurred[rows])

    def _ratings(self, day: int, rng: np.random.Generator, events: Events, limit: int) -> Ratings:
        """Ratings of what was looked at just now, and of what was bought some days ago."""
        paid = np.flatnonzero(events.kind == KINDS.index("purchase"))
        paid = paid[rng.random(len(paid)) < RATES_A_PURCHASE]
        due = day + 1 + rng.exponential(3, len(paid)).astype(np.int64)
        for later in np.unique(due[due < DAYS]).tolist():
            rows = paid[due == later]
            self._owed[later].append(np.stack([events.user[rows], events.product[rows]]))

        seen = np.flatnonzero(events.kind == KINDS.index("view"))
        seen = seen[rng.random(len(seen)) < RATES_A_LOOK]
        soon = events.occurred[seen] + rng.integers(15_000, 300_000, len(seen))
        looked_at = np.stack([events.user[seen], events.product[seen]])
        user, product = np.concatenate([*self._owed.pop(day, []), looked_at], axis=1)
        remembered = rng.integers(0, limit, len(user) - len(seen))
        time = np.minimum(np.concatenate([remembered, soon]), limit)

        new = np.flatnonzero(self._rated.add_new(user, product))
        new = new[np.lexsort((product[new], user[new], time[new]))]
        stars = self._world.tastes.stars(rng, user[new], product[new], day)
        return Ratings(user[new], product[new], stars, time[new])


def _start(
    rng: np.random.Generator, hours_ahead: np.ndarray, looks: Looks, hours: int
) -> np.ndarray:
    """(S,) seconds of the day at which sessions begin, so that all of them end within `hours`."""
    hour = rng.choice(24, len(hours_ahead), p=HOURS / HOURS.sum())
    start = ((hour - hours_ahead) % 24 + rng.random(len(hour))) * 3600
    room = hours * 3600 - (looks.paid_at + 1)
    return np.where(start > room, start * np.maximum(room, 0) / 86_400, start)


def events_of(visits: Visits) -> tuple[np.ndarray, ...]:
    """Kind, user, session start (ms), product, time (ms) of every event of some visits."""
    looks = visits.looks
    rows = np.arange(len(looks.session))
    at = looks.at
    paid = looks.paid_at[looks.session]
    parts = [
        (looks.impression, looks.passed_over, at + 1.2),
        (looks.click, looks.product, at + 3.1),
        (rows >= 0, looks.product, at + 3.4),
        (looks.favorite, looks.product, at + 7.9),
        (looks.cart, looks.product, at + 11.3),
        (looks.removed, looks.product, at + 24.7),
        (looks.bought, looks.product, paid),
    ]
    chosen = [np.flatnonzero(mask) for mask, _, _ in parts]
    kind = np.repeat(np.arange(len(parts)), [len(rows) for rows in chosen])
    row = np.concatenate(chosen)
    session = looks.session[row]
    product = np.concatenate([what[rows] for (_, what, _), rows in zip(parts, chosen, strict=True)])
    seconds = np.concatenate([when[rows] for (_, _, when), rows in zip(parts, chosen, strict=True)])
    start = (visits.start * 1000).astype(np.int64)
    time = start[session] + (seconds * 1000).astype(np.int64)
    return kind, visits.users[session], start[session], product, time


def _runs(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For runs of equal names: (n,) the run's number from 0, and the place in it from 1."""
    if len(names) == 0:
        return names, names
    begins = np.concatenate([[True], names[1:] != names[:-1]])
    run = np.cumsum(begins) - 1
    return run, np.arange(len(names)) - np.flatnonzero(begins)[run] + 1
