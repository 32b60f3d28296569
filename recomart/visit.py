"""The actions of one simulated visit, before the simulator gives them ids and times.

The demo shop makes visits and the stream simulator sends them; this is the type that they share,
because neither imports the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """One user's visit: its actions in order, in three sequences of equal length (at least 1).

    Args:
        seconds: since the visit began, in ascending order.
        event_types: values of `recomart.events.EVENT_TYPES`.
        product_ids: the product of each action.
    """

    user_id: str
    seconds: Sequence[float]
    event_types: Sequence[str]
    product_ids: Sequence[str]
