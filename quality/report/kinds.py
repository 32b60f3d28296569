"""What the columns of the raw tables hold, as a profile looks at them."""

from __future__ import annotations

from typing import Literal

from recomart.shop.entities import TYPES

Kind = Literal["number", "year", "time", "category", "text"]

CATEGORIES = ("country", "category", "brand", "currency", "in_stock", "event_type")
"""Columns with few enough values that their shares tell something."""
_KINDS: dict[str, Kind] = {"number": "number", "integer": "number", "time": "time"}


def _kind(column: str, data_type: str) -> Kind:
    if column in CATEGORIES:
        return "category"
    return "year" if column.endswith("_year") else _KINDS.get(data_type, "text")


KINDS: dict[str, Kind] = {
    column: _kind(column, data_type)
    for types in TYPES.values()
    for column, data_type in types.items()
}
