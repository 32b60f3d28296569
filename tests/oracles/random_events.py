"""A random day of events as a transport received them all at one instant."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from recomart.events import EVENT_TYPES, Event
from streaming.received import Received

WEIGHTS = [1, 6, 2, 1, 3, 1, 2]
USERS, PRODUCTS = 40, 300


def random_events(received_at: datetime, count: int, seed: int) -> list[Received]:
    """Events of 40 users and 300 products, of the 25 hours before; some are dated up to 10 min ahead.

    So a twentieth of them is late, and a few have clocks that are wrong.
    """
    dice = random.Random(seed)
    products = [f"p{n}" for n in range(PRODUCTS)]
    return [
        Received(
            f"{number}-0",
            received_at,
            Event(
                event_id=f"e{number}",
                event_type=dice.choices(EVENT_TYPES, WEIGHTS)[0],  # type: ignore[arg-type]  # one
                user_id=f"u{dice.randrange(USERS)}",
                product_id=dice.choice([*products[: dice.randrange(1, PRODUCTS)], None]),
                session_id=dice.choice(["s1", "s2", None]),
                occurred_at=received_at
                - dice.random() * timedelta(hours=25)
                + timedelta(minutes=10),
            ),
        )
        for number in range(count)
    ]
