"""Two tables that are one: order lines whose orders lie in another file, codes with their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from onboarding.tables import Table
from onboarding.values import Column

MOSTLY_FOUND, MOST_FOUND, SOME_FOUND = 0.8, 0.5, 0.02
"""The least share of a table's keys that the other must have: of whole tables, and of samples."""
LONGEST_KEY = 64


@dataclass(frozen=True)
class Join:
    """How each record of a table finds one of another: by a key that comes once there.

    Args:
        table: the table whose records are looked up.
        other: the table in which they are found.
        key: the column of the first table; `other_key` is that of the other.
    """

    table: Table
    other: Table
    key: str
    other_key: str
    found: float


def joins_of(table: Table, others: Sequence[Table]) -> Iterator[Join]:
    """The tables that one can be joined with: first those whose key has the same name."""
    found = []
    for other in others:
        if other is table or not (table.layout.header and other.layout.header):
            continue
        for key in other.columns.values():
            if not _is_key(key):
                continue
            for column in table.columns.values():
                named = column.name == key.name
                share = _share_in(column, key)
                least = MOST_FOUND if table.whole and other.whole else SOME_FOUND
                if share >= least and (named or share >= MOST_FOUND) and not column.is_unique:
                    found.append((named, share, Join(table, other, column.name, key.name, share)))
    found.sort(key=lambda one: (-one[0], -one[1]))
    yield from (join for _, _, join in found)


def translation_of(table: Table, column: str, others: Sequence[Table]) -> Join | None:
    """The table of two columns in which the texts of a column are found, with a text for each."""
    for other in others:
        if len(other.layout.names) == 2 and other.layout.header and other is not table:
            for key in other.columns.values():
                share = _share_in(table.columns[column], key)
                least = MOST_FOUND if key.name == column else MOSTLY_FOUND
                if _is_key(key) and share >= least:
                    return Join(table, other, column, key.name, share)
    return None


def joined(join: Join) -> Table:
    """The first table with the columns of the other that it lacks: what a lookup join gives."""
    table = join.table
    new = [name for name in join.other.layout.names if name not in table.layout.names]
    key = join.other.records.column(join.other_key)
    places = pc.index_in(table.records.column(join.key), value_set=key.combine_chunks())
    looked_up = join.other.records.select(new).take(places)
    columns = dict(zip(table.records.column_names, table.records.columns, strict=True))
    columns |= dict(zip(new, looked_up.columns, strict=True))
    layout = replace(table.layout, names=(*table.layout.names, *new))
    return Table(table.files, table.glob, layout, pa.table(columns), table.whole, table.remarks)


def _is_key(column: Column) -> bool:
    return (
        column.filled == len(column.values) == len(column.distinct) > 1
        and column.time is None
        and column.mean_length <= LONGEST_KEY
    )


def _share_in(column: Column, key: Column) -> float:
    if not column.filled:
        return 0.0
    return len(column.distinct & key.distinct) / len(column.distinct)
