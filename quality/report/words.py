"""Plain words for a shop's manager: what a reason means and costs, and what a contract checks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from quality.report.column_kinds import KINDS
from quality.report.quoting import plain

RECORD = {
    "users": ("customer", "customers"),
    "products": ("product", "products"),
    "ratings": ("rating", "ratings"),
    "transactions": ("order line", "order lines"),
    "events": ("event", "events"),
}
_COST = {
    "users": "served without their country, age and sign-up date",
    "products": "left out of the catalogue: no title, category or price",
    "ratings": "not used for training",
    "transactions": "not used for training, and missing from sales counts",
    "events": "not counted as views, carts or purchases",
}
_CODES = {
    "missing": "{column} is missing",
    "invalid": "{column} is not {type}",
    "out_of_range": "{column} out of range",
    "future": "{column} is in the future",
    "before_opening": "{column} before the shop opened",
    "after_closing": "{column} after the shop closed",
    "unknown": "{column} is not known to the shop",
    "outlier": "{column} is unusual",
    "unusual": "{column} is unusual",
    "rare": "{column} is rare",
}
_TYPES = {
    "number": "a number",
    "year": "a year",
    "time": "a time",
    "category": "what it should be",
    "text": "a text",
}
_LINES = (
    (r"^N fields, expected N", "more or fewer fields than the header"),
    # lakes of 0.1.0 hold the second form
    (r"^(not a|no) JSON object", "not a JSON object"),
    (r"quote", "a quote that is not closed, or is in the wrong place"),
)
_CHECKS = {
    "not_null": "{column} is present in every record",
    "is_time": "{column} is a time",
    "is_number": "{column} is a number",
    "is_event_type": "{column} is a known type of event",
}


def counted(entity: str, count: int) -> str:
    """'1 rating', '1,204 order lines'."""
    one, many = RECORD.get(entity, (entity, entity))
    return f"{count:,} {one if count == 1 else many}"


def number(count: int, one: str, many: str | None = None) -> str:
    """'1 file', '3 files'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def joined(parts: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([*([", ".join(parts[:-1])] if parts[1:] else []), *parts[-1:]])


def share(value: float) -> str:
    """A share as a percentage; a small share is not rounded to 0%, nor a large one to 100%."""
    if value == 0:
        return "0%"
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{100 * value:.1f}%"


def moment(time: datetime) -> str:
    """A time, UTC, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def cost(entity: str, count: int) -> str:
    """What it costs that these records are not used."""
    return f"{counted(entity, count)} {_COST.get(entity, 'not used')}"


def cost_of_lines(entity: str, count: int) -> str:
    """What it costs that these lines could not be read."""
    return f"up to {cost(entity, count)}"


def column_of(code: str, columns: tuple[str, ...]) -> str | None:
    """The column that a code such as `out_of_range_rating` or `unknown_user` is about."""
    named = [c for c in columns if code.endswith((f"_{c}", f"_{c.removesuffix('_id')}"))]
    return max(named, key=len, default=None)


def reason(code: str, columns: tuple[str, ...]) -> str:
    """A quarantine or flag code in words; the code itself when its form is not known."""
    column = column_of(code, columns)
    if column:
        for prefix, words in _CODES.items():
            if code.startswith(f"{prefix}_"):
                if prefix == "unknown" and column.endswith("_id"):
                    return f"names a {column.removesuffix('_id')} that is not in the shop's list"
                return words.format(column=column, type=_TYPES[KINDS.get(column, "text")])
    return plain(code.replace("_", " "), 60)


def line_reason(pattern: str) -> str:
    """Why lines could not be read; `pattern` is the reason without its details, digits as N."""
    for expression, words in _LINES:
        if re.search(expression, pattern):
            return words
    return plain(pattern, 80)


def landing_check(check: str, column: str) -> str:
    """A landing contract in words."""
    return _CHECKS.get(check, "{column}: " + check.replace("_", " ")).format(column=column)
