"""What a visitor does in one sitting, before a stream gives it ids and times.

The word that the demo shop and the stream simulator share: the shop knows its visitors' tastes, the
simulator when and where events are told, and neither room imports the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """One user's visit: its actions in their order, three sequences of one length, 1 at the least.

    Args:
        seconds: since the visit began; never falling.
        event_types: of `recomart.events.EVENT_TYPES`.
        product_ids: what each action is about.
    """

    user_id: str
    seconds: Sequence[float]
    event_types: Sequence[str]
    product_ids: Sequence[str]
