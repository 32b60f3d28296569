"""The layout of real-time state in Redis, and how an event is written there.

In slices of UTC days of `occurred_at`; each slice expires as a whole, so nothing is ever pruned.

    recomart:<project>:rt:user:<day>:<user>        hash   event id -> event (`encode_event`)
    recomart:<project>:rt:product:<day>:<product>  hash   <minute of day>:<v|c|p> -> how many
    recomart:<project>:rt:trending:<day>           zset   product -> score (`decay.py`)
    recomart:<project>:rt:stats                    hash   what the speed layer counted
"""

from __future__ import annotations

import json
from typing import NamedTuple

from feature_store.realtime.clock import day_name
from recomart.events import EVENT_TYPES, EventType

TYPE_CODES: dict[str, str] = {
    "impression": "i",
    "view": "v",
    "click": "k",
    "favorite": "f",
    "add_to_cart": "c",
    "remove_from_cart": "r",
    "purchase": "p",
}
"""An event type as it is written in Redis."""

_TYPES = {code: name for name, code in TYPE_CODES.items()}
COUNTED_OF_PRODUCTS = ("view", "add_to_cart", "purchase")
"""The event types that are counted per product and minute."""

PRODUCT_CODES = {name: TYPE_CODES[name] for name in COUNTED_OF_PRODUCTS}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

assert set(TYPE_CODES) == set(EVENT_TYPES)


class StateEvent(NamedTuple):
    """An event as state keeps it; in order of time, those of one microsecond by their id."""

    micros: int
    event_id: str
    event_type: str
    product_id: str | None
    session_id: str | None


class StateLayout(NamedTuple):
    """The keys of one project's state."""

    project: str

    @property
    def prefix(self) -> str:
        return f"recomart:{self.project}:rt:"

    @property
    def stats_key(self) -> str:
        return f"{self.prefix}stats"

    def user_key(self, day: int, user_id: str) -> bytes:
        return f"{self.prefix}user:{day_name(day)}:{user_id}".encode()

    def product_key(self, day: int, product_id: str) -> bytes:
        return f"{self.prefix}product:{day_name(day)}:{product_id}".encode()

    def trending_key(self, day: int) -> bytes:
        return f"{self.prefix}trending:{day_name(day)}".encode()


def encode_event(
    micros: int, event_type: EventType, product_id: str | None, session_id: str | None
) -> str:
    """The value of an event in its user's hash, a JSON array: `[<micros>,"v","p1","s1"]`."""
    return _encode((micros, TYPE_CODES[event_type], product_id, session_id))


def decode_event(event_id: bytes, value: bytes) -> StateEvent:
    """An event out of its user's hash."""
    micros, code, product_id, session_id = json.loads(value)
    return StateEvent(micros, event_id.decode(), _TYPES[code], product_id, session_id)
