"""The demo shop's visitors of today: endless visits by the tastes that its history is drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from demo_shop.history import KINDS, Visits, events_of
from demo_shop.pairs import Pairs
from demo_shop.plan import DAYS
from demo_shop.visits import Shelves, browse
from demo_shop.world import World

BLOCK = 256
"""Visits drawn at once: the first one is there in 10 ms."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One user's visit, as `streaming.simulator.interleaving.Visit` describes it."""

    user_id: str
    seconds: Sequence[float]
    event_types: Sequence[str]
    product_ids: Sequence[str]


def visitors(world: World, seed: int) -> Iterator[Visit]:
    """Visits without end. Equal worlds and seeds give equal visits, on whatever day.

    Tastes, fashions and who is active are those of the history's last day. Who bought something
    in an earlier block seldom buys it again; what was bought in the history is not looked up.
    """
    day = DAYS - 1
    shelves = Shelves.on(world.catalogue, day)
    active = np.cumsum(world.people.activity(day))
    bought = Pairs(len(world.people.ids), len(world.catalogue.ids))
    for block in count():
        rng = world.plan.random("visitors", seed, block)
        users = np.searchsorted(active, rng.random(BLOCK) * active[-1], side="right")
        looks = browse(rng, world, shelves, users, bought)
        bought.add(users[looks.session[looks.bought]], looks.product[looks.bought])
        yield from _told(world, Visits(looks, users, np.arange(BLOCK, dtype=float)))


def _told(world: World, visits: Visits) -> Iterator[Visit]:
    kind, user, start, product, millis = events_of(visits)
    # a block's visits begin a second apart, so that their starts distinguish them
    order = np.lexsort((kind, millis, start))
    kind, user, start, product, millis = (
        column[order] for column in (kind, user, start, product, millis)
    )
    ends = [*np.flatnonzero(np.diff(start)) + 1, len(start)]
    seconds = ((millis - start) / 1000).tolist()
    kinds = [KINDS[k] for k in kind.tolist()]
    products = world.catalogue.ids[product].tolist()
    begin = 0
    for end in ends:
        yield Visit(
            user_id=str(world.people.ids[user[begin]]),
            seconds=seconds[begin:end],
            event_types=kinds[begin:end],
            product_ids=products[begin:end],
        )
        begin = end
