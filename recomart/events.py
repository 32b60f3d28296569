"""The event schema, the same in the batch layer and in the speed layer."""

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
"""An event may be dated this much later than it was received (its load, when nothing says), for
clocks differ. Later than that it is quarantined, and makes no real-time feature."""

MAX_LATE = timedelta(hours=24)
"""Received later than this after it happened, an event goes to the batch layer alone."""


class Event(BaseModel):
    """Something a visitor did. Ids are strings; times are UTC, in microseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str = Field(min_length=1)
    event_type: EventType
    user_id: str = Field(min_length=1)
    session_id: str | None = None
    product_id: str | None = None
    occurred_at: AwareDatetime
    received_at: datetime | None = None


def key_hash(*values: str | None) -> str:
    """The id of a record whose source has none: the md5 of its key columns, as received.

    The loader computes the same in SQL (`md5(concat_ws(chr(31), coalesce(a, ''), ...))`), so a
    replayed stream and a loaded file give the same id.
    """
    return hashlib.md5(KEY_SEPARATOR.join(value or "" for value in values).encode()).hexdigest()
