"""The canonical entities of a shop: their columns, keys, types and who refers to whom."""

from __future__ import annotations

from typing import Literal

DataType = Literal["text", "number", "integer", "time", "boolean"]

TYPES: dict[str, dict[str, DataType]] = {
    "users": {
        "user_id": "text",
        "signed_up_at": "time",
        "country": "text",
        "birth_year": "integer",
    },
    "products": {
        "product_id": "text",
        "title": "text",
        "category": "text",
        "brand": "text",
        "price": "number",
        "currency": "text",
        "in_stock": "boolean",
        "updated_at": "time",
    },
    "ratings": {
        "user_id": "text",
        "product_id": "text",
        "rating": "number",
        "rated_at": "time",
    },
    "transactions": {
        "order_id": "text",
        "line_no": "text",
        "user_id": "text",
        "product_id": "text",
        "quantity": "number",
        "unit_price": "number",
        "line_total": "number",
        "ordered_at": "time",
    },
    "events": {
        "event_id": "text",
        "event_type": "text",
        "user_id": "text",
        "session_id": "text",
        "product_id": "text",
        "occurred_at": "time",
        "received_at": "time",
    },
}
"""What the values of each column are read as; columns in order."""

ENTITIES: dict[str, tuple[str, ...]] = {entity: tuple(types) for entity, types in TYPES.items()}
"""Canonical columns of each raw table, in order."""

KEYS: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "products": ("product_id",),
    "ratings": ("user_id", "product_id", "rated_at"),
    "transactions": ("order_id", "line_no"),
    "events": ("event_id",),
}
"""The columns that identify a record of each entity."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "products": ("product_id",),
    "ratings": ("user_id", "product_id", "rating", "rated_at"),
    "transactions": ("order_id", "line_no", "user_id", "product_id", "ordered_at"),
    "events": ("event_id", "event_type", "user_id", "occurred_at"),
}
"""The columns that a source of each entity must map, and each record must have."""

LISTS: dict[str, str] = {"user_id": "users", "product_id": "products"}
"""Column of a fact -> the entity whose list it names."""


def is_reference(entity: str, column: str) -> bool:
    """Whether the column of this entity names a user or product of the shop's list."""
    return column in LISTS and LISTS[column] != entity
