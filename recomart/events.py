"""The event schema, which the batch layer and the speed layer share."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

EventType = Literal[
    "impression", "view", "click", "favorite", "add_to_cart", "remove_from_cart", "purchase"
]
EVENT_TYPES: tuple[str, ...] = get_args(EventType)
EVENT_WEIGHTS: dict[EventType, int] = {
    "view": 1,
    "click": 1,
    "favorite": 2,
    "add_to_cart": 3,
    "remove_from_cart": -2,
    "purchase": 5,
}
"""How much each type of event says for a product: in labels without ratings, and in trending."""
KEY_SEPARATOR = "\x1f"

MAX_AHEAD = timedelta(minutes=5)
"""An event may be dated this long after it was received (or loaded, without a time of receipt), to
allow for clock skew. Beyond that it is quarantined and does not change a real-time feature."""

MAX_LATE = timedelta(hours=24)
"""Only the batch layer counts events that are received this long after they happened."""


class Event(BaseModel):
    """An action of a visitor. Ids are strings; times are UTC, in microseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str = Field(min_length=1)
    event_type: EventType
    user_id: str = Field(min_length=1)
    session_id: str | None = None
    product_id: str | None = None
    occurred_at: AwareDatetime
    received_at: datetime | None = None


def key_hash(*values: str | None) -> str:
    """The id of a record whose source has no id: the md5 of its key columns, as received.

    The loader computes the same hash in SQL (`md5(concat_ws(chr(31), coalesce(a, ''), ...))`), so a
    replayed stream and a loaded file give equal ids.
    """
    return hashlib.md5(KEY_SEPARATOR.join(value or "" for value in values).encode()).hexdigest()
