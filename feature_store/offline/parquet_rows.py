"""The rows of Parquet files by their numbers: a join carries one number a row, not all its values.

A join that sorts or hashes moves whatever it carries; ten features of a million labels cost it as
much again as the keys. So it is given the keys and a number, and the values of the rows it has
found are fetched by number, once, in the order in which they are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recomart.sql import identifier, literal

NUMBER = "_number"
NONE = -1
"""The number of no row: its values are null."""

SPAN_ROWS = 250_000
"""At most this many rows of a file are in memory at a time (or one row group)."""


@dataclass(frozen=True)
class ParquetRows:
    """Parquet files whose rows are numbered from 0 on, through all files in their order.

    Args:
        path: a file or a glob, as DuckDB reads it.
        files: the files behind the path.
        starts: the number of each file's first row.
    """

    path: str
    files: tuple[str, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, path: str) -> ParquetRows:
        """Look up the files and count their rows.

        Raises:
            duckdb.IOException: there is no such file.
        """
        # counted by DuckDB, so that a path without files gets the error that users of it know
        counts = connection.execute(
            "select file_name, sum(num_rows)::bigint from parquet_file_metadata(?)"
            " group by all order by all",
            [path],
        ).fetchall()
        starts = accumulate((count for _, count in counts[:-1]), initial=0)
        return cls(path, tuple(file for file, _ in counts), tuple(starts))

    def numbered(self, columns: Sequence[str]) -> str:
        """SQL of all rows: these expressions over the files' columns, and the row's `_number`."""
        return " union all ".join(
            f"select {', '.join(columns)}, file_row_number + {start} as {NUMBER}"
            f" from read_parquet({literal(file)}, file_row_number = true)"
            for file, start in zip(self.files, self.starts, strict=True)
        )

    def take(
        self,
        connection: duckdb.DuckDBPyConnection,
        columns: Sequence[str],
        numbers: np.ndarray,
        threads: int,
    ) -> pa.Table:
        """The values of these columns, with the types that DuckDB gives them.

        Args:
            numbers: (n,) int64 row numbers, in any order and repeated as often as wanted; NONE for
                a row of nulls.

        Returns:
            n rows, in the order of `numbers`.

        Raises:
            ValueError: a column is in the names of the files' folders, and not in the files.
        """
        names = ", ".join(map(identifier, columns))
        sample = f"select {names} from read_parquet({literal(self.path)}) limit 0"
        schema = connection.execute(sample).to_arrow_table().schema if columns else pa.schema([])
        wanted = self._find(numbers)
        with ThreadPoolExecutor(threads) as pool:
            return pa.table(list(pool.map(wanted.column, schema)), schema=schema)

    def _find(self, numbers: np.ndarray) -> _Wanted:
        spans, places, found = [], np.zeros(len(numbers), dtype=np.int64), 0
        for file, start in zip(self.files, self.starts, strict=True):
            metadata = pq.read_metadata(file)
            counts = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            for groups, first, count in _runs(counts):
                within = numbers - (start + first)
                here = np.flatnonzero((within >= 0) & (within < count))
                if len(here):
                    spans.append(_Span(file, groups, pa.array(within[here])))
                    places[here] = np.arange(found, found + len(here))
                    found += len(here)
        return _Wanted(spans, pa.array(places), pa.array(numbers >= 0))


@dataclass(frozen=True)
class _Span:
    """Some row groups of a file, and which of their rows are wanted, in the result's order."""

    file: str
    groups: list[int]
    within: pa.Array

    def take(self, field: pa.Field) -> pa.Array:
        # a file handle of its own: they are not made for several threads
        with pq.ParquetFile(self.file) as file:
            if field.name not in file.schema_arrow.names:
                raise ValueError(
                    f"{self.file} has no column {field.name!r}; a feature must be in it"
                )
            rows = file.read_row_groups(self.groups, [field.name], use_threads=False)
        return rows[field.name].cast(field.type).combine_chunks().take(self.within)


@dataclass(frozen=True)
class _Wanted:
    """The rows of a result.

    Args:
        places: the position of each among the rows of all spans, one span after the other.
        there: whether there is a row at all; where not, its place is any.
    """

    spans: list[_Span]
    places: pa.Array
    there: pa.Array

    def column(self, field: pa.Field) -> pa.Array:
        null = pa.nulls(len(self.places), field.type)
        if not self.spans:
            return null
        rows = pa.concat_arrays([span.take(field) for span in self.spans])
        # a null among the places would do too, and make `take` four times as slow
        return pc.if_else(self.there, rows.take(self.places), null)


def _runs(counts: Sequence[int]) -> Iterator[tuple[list[int], int, int]]:
    """Row groups that are read at once, the number of their first row, and the count of rows."""
    groups: list[int] = []
    first = rows = 0
    for group, count in enumerate(counts):
        if groups and rows + count > SPAN_ROWS:
            yield groups, first, rows
            groups, first, rows = [], first + rows, 0
        groups.append(group)
        rows += count
    if groups:
        yield groups, first, rows
