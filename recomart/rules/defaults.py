"""The rules that hold in every shop that says nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from recomart.events import EVENT_TYPES, MAX_AHEAD

STOP_ABOVE, STOP_FROM = 0.5, 20
"""Unless the shop declares a share, nothing is published when more than half of an entity's
records, and at least this many, are quarantined: then a format or a rule is wrong, not the data."""

YEAR_OF_LOAD = "year_of_load"
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bounds:
    """What lies between, ends included unless open. Numbers and UTC times as text."""

    low: str | None = None
    high: str | None = None
    low_open: bool = False
    high_open: bool = False


DEFAULT_RANGES: dict[tuple[str, str], Bounds] = {
    ("users", "birth_year"): Bounds("1900", YEAR_OF_LOAD),
    ("products", "price"): Bounds("0", "100000000"),
    ("products", "updated_at"): Bounds("1900-01-01 00:00:00"),
    ("transactions", "quantity"): Bounds("0", "100000", low_open=True),
    ("transactions", "unit_price"): Bounds("0", "100000000"),
    ("transactions", "line_total"): Bounds("0", "100000000"),
}
DEFAULT_FILLS = {("products", "category"): "unknown", ("transactions", "quantity"): "1"}
"""Columns that what comes after needs a value of: they are filled, or required."""
DEFAULT_SETS = {("events", "event_type"): EVENT_TYPES}
HAPPENED = {"ratings": "rated_at", "transactions": "ordered_at", "events": "occurred_at"}
"""The time at which a fact happened: never later than the shop's clock."""
BOUND_TO_THE_SHOP = HAPPENED | {"users": "signed_up_at"}
NOT_LATER_THAN_LOAD = BOUND_TO_THE_SHOP | {"products": "updated_at"}
AHEAD_OF_RECEIPT = {"events": round(MAX_AHEAD.total_seconds())}
"""Seconds that a fact's time may be later than it was received (its load, when nothing says)."""
NO_TYPE_RULE = {("events", "received_at")}
"""Read for what it is worth: where it is no time, it counts as missing."""
