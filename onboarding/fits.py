"""How well a source's column fits a canonical one: by its name, its values and what it refers to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.readers.json_values import ITEM
from onboarding.changes import element_of, number_in
from onboarding.names import AMOUNTS, concepts_of, is_status, likeness
from onboarding.tables import Table
from onboarding.times import percent
from onboarding.values import Column, event_type_of
from recomart.rules.declarations import default_parameters
from recomart.shop.entities import TYPES, DataType

BY_NAME, BY_VALUES = 0.6, 0.4
FITS = 0.4
"""From this score on a column is taken."""
LATEST_YEAR = 2030
"""The last year in which data may have been loaded."""
VALUES_ALONE = 0.6
"""What values weigh where a name says nothing."""
MOST_EVENT_TYPES, MOST_RATINGS = 40, 200
KNOWN_EVENTS = 0.8
"""From this share of known words on, a column holds types of events whatever it is called."""
SURE_NAME = 0.9
"""A name so much like ours is trusted more than the values."""


@dataclass(frozen=True)
class Keys:
    """The key of a list (users or products): all its values, as sampled."""

    place: str
    """As people read it: customers.csv, column nr."""
    values: frozenset[str]


@dataclass(frozen=True)
class Fit:
    """A source's column for a canonical one. `score` 0 to 1; `doubt` is what a person must decide;
    `change` is what the shop file says of the values, such as {number: true}."""

    name: str
    score: float
    reason: str
    doubt: str | None = None
    change: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What is known in addition to the table itself: the keys of the lists that were found."""

    keys: Mapping[str, Keys] = field(default_factory=dict)
    """users or products -> its key."""


def fit(table: Table, column: Column, ours: str, entity: str, evidence: Evidence) -> Fit | None:
    """How well a column fits, with the reason; None when it cannot be."""
    if not column.filled:
        return None
    if ours in AMOUNTS and column.name.startswith(f"{ITEM}."):
        return None  # the price of the item around is not that of its elements
    named = likeness(column.name, ours, entity) if table.layout.header else 0.0
    if not named and ours == "order_id" and _numbers_orders(table, column):
        named = 0.8
    speaks = table.layout.header and bool(set(concepts_of(column.name)) - {"id"})
    by_words = ours == "event_type" and _known_events(column) >= KNOWN_EVENTS
    silent = (
        speaks or is_status(column.name) or (table.layout.header and ours not in _TOLD_BY_VALUES)
    )
    if not named and silent and not by_words:
        return None
    judge = _JUDGES.get(ours) or _BY_TYPE[TYPES[entity][ours]]
    changed = _CHANGES[ours](column) if named and ours in _CHANGES else None
    column, change = changed or (column, {})
    judged = judge(table, column, ours, entity, evidence)
    if judged is None:
        return None
    value, reason, doubt = judged
    if named:
        score = BY_NAME * named + BY_VALUES * value
    else:
        score = VALUES_ALONE * value
        reason = f"{reason}, whatever its name" if table.layout.header else reason
    return Fit(column.name, round(score, 4), reason, doubt, change)


_TOLD_BY_VALUES = {
    "user_id", "product_id", "rating", "event_type", "rated_at", "ordered_at", "occurred_at",
}  # fmt: skip
"""What values alone can show in a file whose names say nothing; other numbers could be anything."""

_Judged = tuple[float, str, str | None] | None


def _key(table: Table, column: Column, ours: str, entity: str, evidence: Evidence) -> _Judged:
    named = table.layout.header and likeness(column.name, ours, entity) >= SURE_NAME
    if not _is_id(column, named=named):
        return None
    count = f"{len(column.distinct):,} distinct"
    if entity in ("users", "products"):
        if not column.is_unique:
            return None
        first = next(iter(table.columns)) == column.name
        return (
            (0.9 if first else 0.6),
            f"the table's key: {count} in {len(column.values):,} rows",
            None,
        )
    listed = evidence.keys.get("users" if ours == "user_id" else "products")
    if listed is not None:
        inside = len(column.distinct & listed.values)
        share = inside / len(column.distinct)
        if share >= 0.5:
            value = share * (0.7 + 0.3 * inside / len(listed.values))
            return value, f"{count}; {percent(share)} of them are in {listed.place}", None
        if share == 0 and not table.layout.header:
            return None
        if named:
            doubt = f"only {percent(share)} of them are in {listed.place}: are both the same ids?"
            return 0.5, count, doubt
    return _by_place(table, column, ours, count)


def _by_place(table: Table, column: Column, ours: str, count: str) -> _Judged:
    """An id that no list proves: a log names who before what, as a rule."""
    ids = [
        c.name for c in table.columns.values()
        if _is_id(c) and c.time is None and not _speaks_of_else(table, c, ours)
    ]  # fmt: skip
    place = ids.index(column.name) if column.name in ids else len(ids)
    wanted = 0 if ours == "user_id" else 1
    value = {0: 0.8, 1: 0.5}.get(abs(place - wanted), 0.3)
    named = table.layout.header and likeness(column.name, ours, "") > 0.4
    doubt = None
    if named:
        value = max(value, 0.7)
    else:
        other = "users" if ours == "product_id" else "products"
        doubt = f"only its place says so: see that these are not {other}"
    return value, count, doubt


def _speaks_of_else(table: Table, column: Column, ours: str) -> bool:
    known = set(concepts_of(column.name)) - {"id"} if table.layout.header else set()
    return bool(known - {"user", "product", "email"}) or is_status(column.name)


def _is_id(column: Column, *, named: bool = False) -> bool:
    """Whether the values can be ids. Where the name says so, few of them are enough."""
    fractions = (
        not named
        and column.numbers.share > 0.9
        and column.numbers.integers < 0.99 * column.numbers.share
    )
    known_event = column.most and all(event_type_of(v) for v, _ in column.most[:3])
    few = not named and len(column.distinct) <= 5 and column.filled > 50
    nested = bool(column.most) and column.most[0][0].startswith(("[", "{"))
    return not (fractions or few or known_event or nested or column.mean_length > 64)


def _rating(table: Table, column: Column, ours: str, entity: str, *_: object) -> _Judged:
    n = column.numbers
    if n.share < 0.8 or n.low is None or n.usual_high is None or n.usual_low is None:
        return None
    if len(column.distinct) > MOST_RATINGS or n.usual_low < -10 or n.usual_high > 100:
        return None
    small = n.usual_low >= 0 and n.usual_high <= 10 and len(column.distinct) <= 25
    named = table.layout.header and likeness(column.name, ours, entity) > 0
    if not named and (not small or len(column.distinct) < 3):
        return None
    most = ", ".join(value for value, _ in column.most[:3])
    reason = f"{len(column.distinct)} distinct numbers, {n.usual_low:g} to {n.usual_high:g}, mostly {most}"
    return (1.0 if small else 0.5), reason, None


def _time(table: Table, column: Column, ours: str, *_: object) -> _Judged:
    found = column.time
    if found is None:
        mixed = column.mixed_time if likeness(column.name, ours, "") >= SURE_NAME else None
        if mixed is None or not table.layout.header:
            return None
        return mixed.main.share, mixed.main.words, mixed.words
    doubt = None
    if found.rival:
        doubt = (
            f"{found.rival} fits just as well, for no day is above 12: say which comes first, "
            "day or month"
        )
    optional = ours in ("received_at", "updated_at", "signed_up_at")
    value = found.share if not optional or table.layout.header else 0.0
    return (value, found.words, doubt) if value else None


def _event_type(table: Table, column: Column, *_: object) -> _Judged:
    known = _known_events(column)
    if not known:
        return None
    shown = ", ".join(f"{value} ({count:,})" for value, count in column.most[:5])
    doubt = None
    strange = sorted(value for value in column.distinct if event_type_of(value) is None)
    if strange:
        listed = ", ".join(strange[:8])
        doubt = f"no event type for {listed}: map their values, or those rows go to quarantine"
    return 0.5 + known / 2, shown, doubt


def _known_events(column: Column) -> float:
    """The share of values that are known words for event types; 0 if the column cannot hold any."""
    if len(column.distinct) > MOST_EVENT_TYPES or column.numbers.share > 0.5:
        return 0.0
    return sum(count for value, count in column.most if event_type_of(value)) / column.filled


def _numbers_orders(table: Table, column: Column) -> bool:
    """Whether a column called Name numbers the orders: #1001, in a table of order lines."""
    lines = any(concepts_of(name)[:1] == ("line",) for name in table.columns)
    return (
        table.layout.header
        and lines
        and concepts_of(column.name) == ("title",)
        and all(re.fullmatch(r"\W*[A-Z]{0,4}[-_ ]?\d+\W*", value) for value, _ in column.most)
    )


def _number(table: Table, column: Column, ours: str, *_: object) -> _Judged:
    n = column.numbers
    if n.share < 0.8 or n.low is None or not table.layout.header:
        return None
    reason = f"numbers from {n.low:g} to {n.high:g}"
    if n.grouped:
        reason += f", {percent(n.grouped)} with commas between thousands"
    elif n.commas:
        reason += f", {percent(n.commas)} with a decimal comma"
    money = ours != "quantity" and column.is_few_whole
    if money and likeness(column.name, ours, "") < SURE_NAME:
        return None
    if ours == "quantity":
        return (0.9 if n.integers > 0.9 * n.share else 0.4), reason, None
    doubt = None
    if ours == "line_total":
        doubt = "of the whole line, or of one unit (then it is unit_price)?"
    return (0.9 if n.integers < n.share else 0.6), reason, doubt


def _integer(table: Table, column: Column, ours: str, entity: str, *_: object) -> _Judged:
    n = column.numbers
    if n.integers < 0.8 or n.usual_low is None or n.usual_high is None:
        return None
    allowed = default_parameters(entity, ours).get("range")
    low, high = allowed.ends if allowed else (None, None)
    if allowed and allowed.until_year_of_load:
        high = LATEST_YEAR
    if (low is not None and n.usual_low < low) or (high is not None and n.usual_high > high):
        return None
    noun = "years" if high == LATEST_YEAR else "whole numbers"
    return 1.0, f"{noun} from {n.usual_low:g} to {n.usual_high:g}", None


def _text(table: Table, column: Column, ours: str, entity: str, *_: object) -> _Judged:
    count, rows = len(column.distinct), len(column.values)
    plain = column.numbers.share < 0.5
    examples = ", ".join(value[:30] for value, _ in column.most[:3])
    reason = f"{count:,} distinct, as {examples}"
    if table.layout.header:
        named = likeness(column.name, ours, entity)
        return (0.9 if plain else 0.3, reason, None) if named else None
    if ours == "title" and plain and count >= 0.9 * rows and column.mean_length >= 6:
        is_url = column.most[0][0].startswith(("http:", "https:"))
        return None if is_url or column.time else (0.8, reason, None)
    return None


def _currency(table: Table, column: Column, *_: object) -> _Judged:
    fits = all(re.fullmatch(r"[A-Za-z]{3}", value) for value in column.distinct)
    return (1.0, ", ".join(sorted(column.distinct)[:5]), None) if fits else None


def _boolean(table: Table, column: Column, *_: object) -> _Judged:
    if column.numbers.booleans < 0.8 or not table.layout.header:
        return None
    return 1.0, f"yes or no: {', '.join(value for value, _ in column.most[:4])}", None


def _order(table: Table, column: Column, *_: object) -> _Judged:
    if not table.layout.header or (column.time is not None and column.numbers.share < 0.5):
        return None
    return 0.8, f"{len(column.distinct):,} distinct in {len(column.values):,} rows", None


def _event_id(table: Table, column: Column, *_: object) -> _Judged:
    if not table.layout.header or not column.is_unique:
        return None
    return 1.0, "no value comes twice", None


def _line(table: Table, column: Column, *_: object) -> _Judged:
    if not table.layout.header or column.numbers.integers < 0.9:
        return None
    return 0.8, f"whole numbers up to {column.numbers.high:g}", None


_CHANGES: dict[str, Callable[[Column], tuple[Column, Mapping[str, Any]] | None]] = {
    "price": number_in, "unit_price": number_in, "line_total": number_in,
    "category": element_of,
}  # fmt: skip
"""How the values of a column are changed before they are judged, where its name fits."""

_JUDGES: dict[str, Callable[[Table, Column, str, str, Evidence], _Judged]] = {
    "user_id": _key, "product_id": _key, "rating": _rating, "event_type": _event_type,
    "currency": _currency, "order_id": _order, "line_no": _line, "event_id": _event_id,
}  # fmt: skip
"""How the values of a column are judged that says more than its type."""

_BY_TYPE: dict[DataType, Callable[[Table, Column, str, str, Evidence], _Judged]] = {
    "text": _text, "number": _number, "integer": _integer, "time": _time, "boolean": _boolean,
}  # fmt: skip
