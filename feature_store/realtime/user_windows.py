"""Features of a user at an instant, counted from the events in the state."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from feature_store.online.layout import Scalar
from feature_store.realtime.clock import HORIZON, SECOND, instant_of
from feature_store.realtime.features import LAST_EVENTS, PLURALS, SESSION_GAP, USER_WINDOWS
from feature_store.realtime.layout import StateEvent

CART_STEPS = {"add_to_cart": 1, "remove_from_cart": -1, "purchase": -1}


class Listing(NamedTuple):
    """What the published catalogue says of a product."""

    price: float | None
    category: str | None


@dataclass(frozen=True)
class UserState:
    """A user's events, sorted, and the listings of their products as far as they are needed."""

    events: Sequence[StateEvent]
    catalogue: Mapping[str, Listing] = field(default_factory=dict)


def in_horizon(events: Sequence[StateEvent], as_of: int) -> list[StateEvent]:
    """The events that can count: as_of - 24 h < occurred_at <= as_of, in microseconds."""
    return [event for event in events if as_of - HORIZON < event.micros <= as_of]


def user_features(state: UserState, as_of: int) -> dict[str, Scalar]:
    """All features of USER_FEATURES at `as_of`, in microseconds; empty without an event in 24 h.

    An event counts in a window w when as_of - w < occurred_at <= as_of: one at `as_of` does, one
    just a window ago does not.
    """
    events = in_horizon(state.events, as_of)
    if not events:
        return {}
    session = current_session(events)
    last = last_product(events)
    listing = state.catalogue.get(last) if last is not None else None
    return {
        **_counts(events, as_of),
        "rt_user_last_events": _last_events(events[: -LAST_EVENTS - 1 : -1]),
        "rt_user_last_product_id": last,
        "rt_user_last_category": listing.category if listing else None,
        "rt_user_session_seconds": (session[-1].micros - session[0].micros) / SECOND,
        "rt_user_cart_value": _value(cart(session), state.catalogue),
    }


def products_needed(events: Sequence[StateEvent], as_of: int) -> set[str]:
    """The products whose listings the features at `as_of` are made with."""
    counting = in_horizon(events, as_of)
    if not counting:
        return set()
    last = last_product(counting)
    return {*cart(current_session(counting)), *([last] if last is not None else [])}


def current_session(events: Sequence[StateEvent]) -> list[StateEvent]:
    """The newest event's session: the events of its session id; of an event without one, those
    without one before it, as long as no two that follow each other are more than 30 min apart.

    Args:
        events: sorted, at least one.
    """
    newest = events[-1]
    same = [event for event in events if event.session_id == newest.session_id]
    if newest.session_id is not None:
        return same
    start = len(same) - 1
    while start and same[start].micros - same[start - 1].micros <= SESSION_GAP:
        start -= 1
    return same[start:]


def last_product(events: Sequence[StateEvent]) -> str | None:
    """The product of the newest event that has one, impressions apart."""
    for event in reversed(events):
        if event.product_id is not None and event.event_type != "impression":
            return event.product_id
    return None


def cart(session: Sequence[StateEvent]) -> dict[str, int]:
    """How many of each product are in the cart: put in, less those taken out or bought.

    Counted per product, so the order of events does not matter; never below 0.
    """
    count_of: Counter[str] = Counter()
    for event in session:
        if event.product_id is not None:
            count_of[event.product_id] += CART_STEPS.get(event.event_type, 0)
    return {product: count for product, count in sorted(count_of.items()) if count > 0}


def _counts(events: Sequence[StateEvent], as_of: int) -> dict[str, int]:
    found = {}
    for window, length in USER_WINDOWS.items():
        counts = Counter(event.event_type for event in events if event.micros > as_of - length)
        for kind, plural in PLURALS.items():
            found[f"rt_user_{plural}_{window}"] = counts[kind]
    return found


def _value(in_cart: Mapping[str, int], catalogue: Mapping[str, Listing]) -> float | None:
    prices = [listing.price if (listing := catalogue.get(p)) else None for p in in_cart]
    if any(price is None for price in prices):
        return None
    return round(math.fsum(n * p for n, p in zip(in_cart.values(), prices, strict=True) if p), 4)


def _last_events(events: Sequence[StateEvent]) -> str:
    return json.dumps(
        [
            {
                "event_type": event.event_type,
                "product_id": event.product_id,
                "session_id": event.session_id,
                "occurred_at": instant_of(event.micros).isoformat(timespec="microseconds"),
            }
            for event in events
        ],
        ensure_ascii=False,
    )
