"""Real-time features by their definitions (docs/real-time-features.md), counted the slow way.

Over all events that were ever delivered, with datetimes and loops; shares no code with what it
checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from recomart.events import Event
from streaming.received import Received

DAY = timedelta(hours=24)
NAMES = {
    "impression": "impressions",
    "view": "views",
    "click": "clicks",
    "favorite": "favorites",
    "add_to_cart": "carts",
    "remove_from_cart": "removals",
    "purchase": "purchases",
}


def counted(deliveries: Iterable[Received]) -> list[Event]:
    """The events that may count: each once, none that came too late or is dated ahead."""
    events: dict[str, Event] = {}
    for one in deliveries:
        late = one.received_at - one.event.occurred_at
        if timedelta(minutes=-5) <= late <= DAY:
            events.setdefault(one.event.event_id, one.event)
    return sorted(events.values(), key=lambda event: (event.occurred_at, event.event_id))


def of_user(
    events: list[Event],
    user_id: str,
    as_of: datetime,
    prices: Mapping[str, float | None],
    categories: Mapping[str, str],
) -> dict[str, object] | None:
    """Features of a user, and the last events as (type, product, time); None without any event."""
    mine = [e for e in events if e.user_id == user_id and as_of - DAY < e.occurred_at <= as_of]
    if not mine:
        return None
    found: dict[str, object] = {}
    for name, window in (
        ("5m", timedelta(minutes=5)),
        ("30m", timedelta(minutes=30)),
        ("24h", DAY),
    ):
        for kind, plural in NAMES.items():
            found[f"rt_user_{plural}_{name}"] = sum(
                1 for e in mine if e.event_type == kind and e.occurred_at > as_of - window
            )
    touched = [e.product_id for e in mine if e.product_id and e.event_type != "impression"]
    found["rt_user_last_product_id"] = touched[-1] if touched else None
    found["rt_user_last_category"] = categories.get(touched[-1]) if touched else None
    session = _session(mine)
    length = session[-1].occurred_at - session[0].occurred_at
    found["rt_user_session_seconds"] = length / timedelta(seconds=1)
    found["rt_user_cart_value"] = _cart_value(session, prices)
    last = [(e.event_type, e.product_id, e.occurred_at) for e in reversed(mine)]
    return {**found, "last": last[:50]}


def _session(mine: list[Event]) -> list[Event]:
    newest = mine[-1]
    if newest.session_id:
        return [e for e in mine if e.session_id == newest.session_id]
    session = [newest]
    for event in [e for e in reversed(mine) if e.session_id is None][1:]:
        if session[0].occurred_at - event.occurred_at > timedelta(minutes=30):
            break
        session.insert(0, event)
    return session


def _cart_value(session: list[Event], prices: Mapping[str, float | None]) -> float | None:
    total = 0.0
    for product in {e.product_id for e in session if e.product_id}:
        kinds = [e.event_type for e in session if e.product_id == product]
        held = kinds.count("add_to_cart") - kinds.count("remove_from_cart")
        held -= kinds.count("purchase")
        if held > 0:
            price = prices.get(product)
            if price is None:
                return None
            total += held * price
    return round(total, 4)


def of_product(events: list[Event], product_id: str, as_of: datetime) -> dict[str, float] | None:
    """Features of a product; None when nothing that is counted happened to it."""
    now = as_of.replace(second=0, microsecond=0)
    minutes = [
        (e.event_type, now - e.occurred_at.replace(second=0, microsecond=0))
        for e in events
        if e.product_id == product_id and e.event_type in ("view", "add_to_cart", "purchase")
    ]
    minutes = [(kind, age) for kind, age in minutes if timedelta(0) <= age < DAY]
    if not minutes:
        return None
    found: dict[str, float] = {}
    for name, window in (("1h", timedelta(hours=1)), ("24h", DAY)):
        for kind in ("view", "add_to_cart", "purchase"):
            found[f"rt_product_{NAMES[kind]}_{name}"] = sum(
                1 for k, age in minutes if k == kind and age < window
            )
    weights = {"view": 1, "add_to_cart": 3, "purchase": 5}
    found["rt_product_trending"] = sum(
        weights[kind] * 0.5 ** (age / timedelta(hours=6)) for kind, age in minutes
    )
    return found
