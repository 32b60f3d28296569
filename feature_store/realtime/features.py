"""The real-time features: names, Feast types and meaning, as Feast and the lookups know them.

`docs/real-time-features.md` says the same at length.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from feature_store.realtime.clock import HOUR, MINUTE

USERS, PRODUCTS = "rt_users", "rt_products"
"""The views of users and of products."""

JOIN_KEYS = {USERS: "user_id", PRODUCTS: "product_id"}
STATE = {USERS: "rt_user_state", PRODUCTS: "rt_product_state"}
"""The one stored feature of each view in Feast: state, as `documents.py` writes it."""

VIEW = "realtime"
"""The on-demand view that makes the features of state."""

SERVICE = "recommendation_rt_v1"

STALE_AFTER = timedelta(seconds=60)
"""How long the speed layer may be silent before what it keeps is stale."""

USER_WINDOWS = {"5m": 5 * MINUTE, "30m": 30 * MINUTE, "24h": 24 * HOUR}
PRODUCT_WINDOWS = {"1h": 60, "24h": 24 * 60}
"""Windows by name; of users in microseconds, of products in minutes."""

PLURALS = {
    "impression": "impressions",
    "view": "views",
    "click": "clicks",
    "favorite": "favorites",
    "add_to_cart": "carts",
    "remove_from_cart": "removals",
    "purchase": "purchases",
}
LAST_EVENTS = 50
SESSION_GAP = 30 * MINUTE
"""Microseconds without an event after which a session ends, where events name no session."""


class Feature(NamedTuple):
    """A feature, its Feast type and what it means."""

    name: str
    kind: str
    description: str


USER_FEATURES: tuple[Feature, ...] = (
    *(
        Feature(
            f"rt_user_{plural}_{window}",
            "Int64",
            f"Events of type {kind} in the {window} up to as_of.",
        )
        for kind, plural in PLURALS.items()
        for window in USER_WINDOWS
    ),
    Feature(
        "rt_user_last_events",
        "String",
        f"The last {LAST_EVENTS} events of 24 hours as JSON, newest first: "
        "event_type, product_id, session_id, occurred_at.",
    ),
    Feature(
        "rt_user_last_product_id",
        "String",
        "Product of the newest event of 24 hours that has one and is no impression.",
    ),
    Feature(
        "rt_user_last_category",
        "String",
        "That product's category, as last published; null when the product is not published.",
    ),
    Feature(
        "rt_user_session_seconds",
        "Float64",
        "From the first event of the newest event's session to the last, within 24 hours.",
    ),
    Feature(
        "rt_user_cart_value",
        "Float64",
        "What is in that session's cart at published prices, in the shop's currency; null when "
        "one of them has no price.",
    ),
)
PRODUCT_FEATURES: tuple[Feature, ...] = (
    *(
        Feature(
            f"rt_product_{PLURALS[kind]}_{window}",
            "Int64",
            f"Events of type {kind} in the {window} up to as_of, in whole UTC minutes.",
        )
        for kind in ("view", "add_to_cart", "purchase")
        for window in PRODUCT_WINDOWS
    ),
    Feature(
        "rt_product_trending",
        "Float64",
        "Views + 3 x carts + 5 x purchases of 24 hours, each halved for every 6 hours of its age.",
    ),
)
FEATURES = {USERS: USER_FEATURES, PRODUCTS: PRODUCT_FEATURES}
