"""What kind of values each column of the raw tables holds, which decides how it is profiled."""

from __future__ import annotations

from typing import Literal

from recomart.shop.entities import SCHEMA, EntityColumn

Kind = Literal["number", "year", "time", "category", "text"]

_KINDS: dict[str, Kind] = {"number": "number", "integer": "number", "time": "time"}


def _kind(column: EntityColumn) -> Kind:
    if column.few_values:
        return "category"
    return "year" if column.name.endswith("_year") else _KINDS.get(column.type, "text")


KINDS: dict[str, Kind] = {
    column.name: _kind(column) for entity in SCHEMA.values() for column in entity.columns
}
