"""What the columns of the raw tables hold, once read."""

from __future__ import annotations

from typing import Literal

Kind = Literal["number", "time", "category", "text"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("birth_year", "price", "rating", "quantity", "unit_price"), "number"),
    **dict.fromkeys(
        ("signed_up_at", "updated_at", "rated_at", "ordered_at", "occurred_at", "received_at"),
        "time",
    ),
    **dict.fromkeys(
        ("country", "category", "brand", "currency", "in_stock", "event_type"), "category"
    ),
}
