"""What kind of values each column of the raw tables holds, which decides how it is profiled."""

from __future__ import annotations

from typing import Literal

from recomart.shop.entities import TYPES

Kind = Literal["number", "year", "time", "category", "text"]

CATEGORIES = ("country", "category", "brand", "currency", "in_stock", "event_type")
"""Columns with so few values that the share of each is worth showing."""
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
