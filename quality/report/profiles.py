"""Column profiles of the raw tables: one pass for the numbers, and histograms of a sample."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from quality.report.column_kinds import KINDS, Kind
from quality.report.content import Content
from quality.report.histograms import Histogram, read_histogram
from quality.report.tables import Tables
from recomart import casts
from recomart.shop.entities import ENTITIES, TYPES
from recomart.sql import identifier, literal
from recomart.step import Progress

SAMPLED_ABOVE = 1_000_000
"""A table with more rows is sampled for its histograms; every other number is of all rows."""
RANGED = ("number", "year", "time")


class ColumnProfile(Content):
    """A column of a raw table, all rows received so far."""

    entity: str
    column: str
    kind: Kind
    rows: int
    missing: int
    unreadable: int
    """Values that are not of the column's kind."""
    distinct: int
    """Exact up to a million rows, then approximate."""
    low: float | None
    high: float | None
    new_rows: int
    """Rows of batches that the last run did not know."""
    new_missing: int
    new_unreadable: int
    histogram: Histogram | None

    @property
    def missing_share(self) -> float:
        """Of all rows."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def unreadable_share(self) -> float:
        """Of all rows."""
        return self.unreadable / self.rows if self.rows else 0.0


def read_profiles(
    tables: Tables,
    earlier: Iterable[ColumnProfile],
    known_batch: str,
    progress: Progress,
) -> tuple[ColumnProfile, ...]:
    """A profile of every column of every raw table that has rows.

    Args:
        earlier: the profiles of the last run, whose edges are kept where they still fit.
        known_batch: the newest batch that the last run knew; '' on a first run.
    """
    then = {(profile.entity, profile.column): profile for profile in earlier}
    profiles: list[ColumnProfile] = []
    for done, entity in enumerate(ENTITIES):
        progress(f"columns of {entity}", done, len(ENTITIES))
        if tables.has(f"raw.{entity}"):
            profiles += _of_table(tables, entity, then, known_batch)
    return tuple(profiles)


def _of_table(
    tables: Tables, entity: str, then: dict[tuple[str, str], ColumnProfile], known_batch: str
) -> list[ColumnProfile]:
    columns = [c for c in ENTITIES[entity] if c in tables.columns(f"raw.{entity}")]
    count = tables.row(f"select count(*) as rows from raw.{entity}")
    rows = count["rows"] if count else 0
    if not rows:
        return []
    measured = _measure(tables, entity, columns, known_batch, exact=rows <= SAMPLED_ABOVE)
    step = math.ceil(rows / SAMPLED_ABOVE)
    _take_sample(tables, entity, columns, step)
    profiles = []
    for column in columns:
        kind = KINDS.get(column, "text")
        before = then.get((entity, column))
        histogram = read_histogram(tables, column, kind, before.histogram if before else None)
        if histogram and step > 1:
            histogram = histogram.model_copy(update={"sampled_from": rows})
        given = {
            name: measured[f"{name} {column}"]
            for name in ("given", "readable", "distinct", "low", "high", "new_given", "new_ok")
        }
        profiles.append(
            ColumnProfile(
                entity=entity,
                column=column,
                kind=kind,
                rows=rows,
                missing=rows - given["given"],
                unreadable=given["given"] - given["readable"],
                distinct=given["distinct"],
                low=given["low"],
                high=given["high"],
                new_rows=measured["new_rows"],
                new_missing=measured["new_rows"] - given["new_given"],
                new_unreadable=given["new_given"] - given["new_ok"],
                histogram=histogram,
            )
        )
    tables.connection.execute("drop table sampled")
    return profiles


def _measure(
    tables: Tables, entity: str, columns: list[str], known_batch: str, *, exact: bool
) -> dict[str, Any]:
    """Counts, distinct values and ranges of all columns, in one pass over the table."""
    distinct = "count(distinct {})" if exact else "approx_count_distinct({})"
    is_new = f"_batch_id > {literal(known_batch)}" if known_batch else "true"
    terms = ["count(*) as rows", f"count(*) filter ({is_new}) as new_rows"]
    for column in columns:
        given, typed = identifier(f"given {column}"), identifier(f"typed {column}")
        low, high = (
            (f"min({typed})", f"max({typed})") if KINDS.get(column) in RANGED else ("null", "null")
        )
        terms += [
            f"count({given}) as {given}",
            f"count({typed}) as {identifier('readable ' + column)}",
            f"{distinct.format(given)} as {identifier('distinct ' + column)}",
            f"{low} as {identifier('low ' + column)}",
            f"{high} as {identifier('high ' + column)}",
            f"count({given}) filter ({is_new}) as {identifier('new_given ' + column)}",
            f"count({typed}) filter ({is_new}) as {identifier('new_ok ' + column)}",
        ]
    row = tables.row(
        f"select {', '.join(terms)} from"
        f" (select _batch_id, {_given(columns)}, {_typed(tables, entity, columns)}"
        f" from raw.{entity})"
    )
    assert row is not None  # an aggregate without groups has a row
    return row


def _given(columns: list[str]) -> str:
    return ", ".join(
        f"case when trim({identifier(c)}) <> '' then {identifier(c)} end"
        f" as {identifier('given ' + c)}"
        for c in columns
    )


def _typed(tables: Tables, entity: str, columns: list[str]) -> str:
    """Every column as what it should be: numbers and times (seconds since 1970) as doubles."""
    declared = tables.rows(
        "select key, value from raw._shop where entity = ? and key in ('time_format', 'time_zone')",
        [entity],
        needs="raw._shop",
    )
    times = {row["key"]: row["value"] for row in declared}
    typed = []
    for column in columns:
        name = identifier(column)
        value = casts.value(name, TYPES[entity][column], **times)
        match KINDS.get(column, "text"):
            case "number" | "year":
                value = f"cast({value} as double)"
            case "time":
                value = f"epoch({value})"
            case _:
                value = f"case when trim({name}) <> '' then {name} end"
        typed.append(f"{value} as {identifier('typed ' + column)}")
    return ", ".join(typed)


def _take_sample(tables: Tables, entity: str, columns: list[str], step: int) -> None:
    """Every step-th row by the hash of its batch and record number: the same rows each time."""
    chosen = f"where hash(_batch_id, _record) % {step} = 0" if step > 1 else ""
    drawn = [c for c in columns if KINDS.get(c, "text") != "text"]
    typed = _typed(tables, entity, drawn) if drawn else "1 as nothing"
    tables.connection.execute(
        f"create or replace temp table sampled as select {typed} from raw.{entity} {chosen}"
    )
