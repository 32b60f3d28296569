"""The column mapping of a shop file as SQL over the source's columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from ingestion import missing, transforms
from ingestion.transforms import GROUPS
from recomart.shop.entities import TYPES
from recomart.shop.model import ENTITIES, KEYS, Column, Source
from recomart.shop.row_filter import RowFilter
from recomart.sql import literal

_NUMBERS = {
    name
    for types in TYPES.values()
    for name, type in types.items()
    if type in ("number", "integer")
}
MARKS = ("_cancels", "_cancelled_order")
"""Columns of raw.transactions: whether a line is marked as a cancellation, and of which order."""


def expression(
    column: Column | None,
    places: Mapping[str, str],
    decimal: str | None = None,
    no_value: Sequence[str] = (),
) -> str:
    """The SQL text that makes one of our columns; NULL where the source has an empty field.

    Args:
        column: the declaration, or None for a column that the shop does not map.
        places: the source's column -> the SQL identifier that holds it. The relation also has
            _record, the number of the record.
        decimal: the decimal sign that the source declares.
        no_value: texts of the source that are missing values. A hash is of the texts as received.
    """
    made = _received(column, places, no_value)
    if column is not None and column.is_transformed:
        return transforms.changed(column, made, decimal)
    if column is not None and column.column is not None and column.values:
        return f"nullif({transforms.translated(column.values, made)}, '')"
    return made


def _received(column: Column | None, places: Mapping[str, str], no_value: Sequence[str]) -> str:
    def text(name: str) -> str:
        return missing.without(places[name], no_value)

    if column is None:
        return "null"
    if column.value is not None:
        return f"nullif({literal(column.value)}, '')"
    if column.hash_of is not None:
        parts = ", ".join(f"coalesce({places[name]}, '')" for name in column.hash_of)
        return f"md5(concat_ws(chr(31), {parts}))"
    if column.first_flag is not None:
        cases = " ".join(
            f"when {places[name]} in ('1', 'true') then {literal(text)}"
            for name, text in column.first_flag.items()
        )
        return f"case {cases} end"
    if column.join is not None:
        parts = ", ".join(f"nullif({text(name)}, '')" for name in column.join)
        return f"nullif(concat_ws(' ', {parts}), '')"
    if column.first_of is not None:
        parts = ", ".join(f"nullif({text(name)}, '')" for name in column.first_of)
        return f"coalesce({parts})"
    if column.number_within is not None:
        parts = ", ".join(f"coalesce({places[name]}, '')" for name in column.number_within)
        return f"cast(row_number() over (partition by {parts} order by _record) as varchar)"
    if column.sign_of is not None:
        return f"nullif({transforms.sign_of(places[column.sign_of], column.values)}, '')"
    assert column.column is not None, "Column has exactly one origin"
    return text(column.column)


def select_list(entity: str, source: Source, places: Mapping[str, str]) -> str:
    """The canonical columns of `entity`, in order, from the source's columns at `places`.

    The relation also has _record, the number of the record. Where the shop declares
    cancellations, two columns more mark them, for dbt.
    """
    made = {
        name: expression(
            source.columns.get(name),
            places,
            source.decimal_sign,
            missing.words(entity, name, source),
        )
        for name in ENTITIES[entity]
    }
    columns = [f"{_with_point(name, source, sql)}::varchar as {name}" for name, sql in made.items()]
    if source.cancellations is not None:
        marked, order = source.cancellations.where, source.cancellations.of_order
        columns.append(f"{_passes(marked, places) if marked else 'false'} as {MARKS[0]}")
        named = f"nullif({places[order]}, '')" if order else "null"
        columns.append(f"{named}::varchar as {MARKS[1]}")
    return ",\n    ".join(columns)


def numbered_keys(entity: str) -> str:
    """The canonical columns of `entity`, so that equal records of a file have keys of their own.

    The second of some equal records gets `#2` after the last column of its key, the third `#3`.
    What ends so by itself gets `#1`: two keys never become one. The order of the file does not
    matter, and a file that comes again has the same keys.
    """
    listed, key = ", ".join(ENTITIES[entity]), KEYS[entity][-1]
    number = f"row_number() over (partition by {listed} order by _record)"
    plain = f"{number} = 1 and not regexp_matches({key}, '#[0-9]+$')"
    numbered = f"case when {plain} then {key} else {key} || '#' || {number} end"
    return f"* replace ({numbered} as {key})"


def is_taken(source: Source, places: Mapping[str, str]) -> str:
    """SQL that is true for the records that the source's `where` takes, and never null."""
    return _passes(source.where or {}, places)


def _passes(filter: RowFilter, places: Mapping[str, str]) -> str:
    conditions = []
    for name, texts in filter.items():
        place = f"nullif({places[name]}, '')"
        found = [f"{place} = {literal(text)}" for text in texts.texts if text is not None]
        found += [f"{place} is null"] * (None in texts.texts)
        one = f"coalesce({' or '.join(found)}, false)"
        conditions.append(f"not {one}" if texts.but else one)
    return " and ".join(conditions) or "true"


def _with_point(name: str, source: Source, made: str) -> str:
    """SQL that writes a number the way that staging reads it; other texts are left for it to judge."""
    sign = source.decimal_sign
    column = source.columns.get(name)
    is_read = column is not None and column.number is not None
    if name not in _NUMBERS or sign is None or is_read:
        return made
    groups = GROUPS[sign]
    number = rf"^\s*[-+]?(\d+|\d{{1,3}}([{groups}]\d{{3}})+)([{sign}]\d+)?\s*$"
    pointed = f"replace(translate({made}, {literal(groups)}, ''), {literal(sign)}, '.')"
    return f"case when regexp_matches({made}, {literal(number)}) then {pointed} else {made} end"


def fingerprint(source: Source, *, distinct: bool = False, origins: bool = False) -> str:
    """A hash of everything that decides which rows the same bytes become; the rest may change freely.

    The ledger keeps it for each batch: another hash means that the batch is loaded again.

    Args:
        origins: raw._list_origins has the records that each entry of the list comes from.
    """
    without = set(source.keys_without_effect) | (set() if source.adds_up else {"repeats"})
    shape = source.model_dump_json(exclude=without, exclude_none=True)
    kind = f"distinct of {source.kind}" if distinct else source.kind
    if source.missing is None:
        kind = f"{kind}, without {missing.version()}"
    if origins:
        kind = f"{kind}, with origins"
    return hashlib.sha256(f"{kind}:{shape}".encode()).hexdigest()[:16]
