"""Plain words for a shop's manager: what a reason means, what it costs, what a check promises."""

from __future__ import annotations

import re
from typing import Any

from quality.report.kinds import KINDS
from quality.report.quoting import plain

RECORD = {
    "users": ("customer", "customers"),
    "products": ("product", "products"),
    "ratings": ("rating", "ratings"),
    "transactions": ("order line", "order lines"),
    "events": ("event", "events"),
}
_COST = {
    "users": "recommended to without their country, age and sign-up date",
    "products": "left out of the catalogue: no title, category or price",
    "ratings": "not learned from",
    "transactions": "not learned from, and missing from sales counts",
    "events": "not counted: views, carts or purchases the shop forgets",
}
_CODES = {
    "missing": "{column} is missing",
    "invalid": "{column} is not {type}",
    "out_of_range": "{column} out of range",
    "future": "{column} lies in the future",
    "before_opening": "{column} before the shop opened",
    "after_closing": "{column} after the shop closed",
    "unknown": "{column} is unknown to the shop",
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
    (r"^no JSON object", "not a JSON object"),
    (r"quote", "a quote that is not closed, or stands where none may"),
)
_CLAIMS = {
    "dq_reconciles": "every line and every record of every file is accounted for",
    "every_record_belongs_to_a_loaded_batch": "every record belongs to a file in the ledger",
}
_CHECKS = {
    "not_null": "{column} is there in every record",
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


def share(value: float) -> str:
    """A share as a percentage that does not round something to nothing, or to all."""
    if value == 0:
        return "0%"
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{100 * value:.1f}%"


def cost(entity: str, count: int) -> str:
    """What it costs that these records are not used."""
    return f"{counted(entity, count)} {_COST.get(entity, 'not used')}"


def cost_of_lines(entity: str, count: int) -> str:
    """What it costs that these lines could not be read."""
    return f"up to {cost(entity, count)}"


def column_of(code: str, columns: tuple[str, ...]) -> str | None:
    """The column that a code such as `out_of_range_rating` or `unknown_user` speaks of."""
    named = [c for c in columns if code.endswith((f"_{c}", f"_{c.removesuffix('_id')}"))]
    return max(named, key=len, default=None)


def reason(code: str, columns: tuple[str, ...]) -> str:
    """A quarantine or flag code in words; the code itself when it is none that we know."""
    column = column_of(code, columns)
    if column:
        for prefix, words in _CODES.items():
            if code.startswith(f"{prefix}_"):
                if prefix == "unknown" and column.endswith("_id"):
                    return f"names a {column.removesuffix('_id')} that the shop's list lacks"
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


def words_of_test(node: dict[str, Any]) -> str:
    """A dbt test in words: its description, else what its kind or its file name claims.

    Args:
        node: the test in dbt's manifest.
    """
    if described := node.get("description"):
        return plain(described)
    metadata = node.get("test_metadata") or {}
    name, given = metadata.get("name"), metadata.get("kwargs") or {}
    column = given.get("column_name")
    if name == "unique_combination":
        return f"No two rows have the same {plain(' and '.join(given.get('columns', ())))}."
    if name in ("unique", "not_null"):
        return f"{column} is {'in no two rows the same' if name == 'unique' else 'never empty'}."
    if name == "at_most_as_of":
        return f"{column} is never after the shop's clock."
    if name == "relationships":
        table = re.sub(r"^ref\('(.+)'\)$", r"\1", str(given.get("to")))
        return f"Every {column} stands in {plain(table)}."
    if name == "accepted_values":
        return f"{column} is one of {plain(', '.join(map(str, given.get('values', ()))))}."
    if name == "accepted_range":
        bounds = [
            f"{words} {given[key]}"
            for key, words in (("at_least", "at least"), ("at_most", "at most"))
            if given.get(key) is not None
        ]
        return f"{column} is {plain(' and '.join(bounds))}."
    if name == "has_one_row":
        return "The table has exactly one row."
    sentence = _CLAIMS.get(node["name"]) or plain(str(name or node["name"]).replace("_", " "))
    return f"{sentence[:1].upper()}{sentence[1:]}{f' ({column})' if column else ''}."
