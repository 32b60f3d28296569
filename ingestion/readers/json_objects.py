"""Texts of JSON objects to batches of records, each value as the text of the source.

Python's parser reads an object exactly, but slowly. DuckDB reads most objects equally well, many at
once. Python reads the others: those that DuckDB would read other than they are written (1.10 as 1.1),
those that it should not accept (NaN, an extra comma, a key twice), and those that are not JSON.
"""

from __future__ import annotations

import json
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.readers.json_structure import may_repeat_inner_keys
from ingestion.readers.json_values import (
    JsonColumns,
    Misfit,
    dumped,
    parse,
    records_in,
    schema,
)
from ingestion.readers.records import LineCounts
from recomart.sql import literal

RECORD_BYTES = 1 << 20
_TOO_LONG = f"longer than {RECORD_BYTES:,} bytes"
FEW_OBJECTS = 2_000
"""Fewer objects are parsed in Python before DuckDB has planned its query."""

PYTHONS_OWN = r'"\s*:\s*-?\d+[.eE]|[\[,]\s*-?\d+[.eE]|[:\[,]\s*-0|,\s*[}\]]|[:\[,]\s*-?(?i:nan|inf)'
"""What DuckDB reads other than it is written. A text that looks like it only costs time."""

_FAST = """
    select coalesce(try(json_type(line)) = 'OBJECT', false) and not regexp_matches(line, {own}) as ok,
        case when ok then json_extract_string(line, {paths}) end as texts,
        case when ok then json_keys(line) end as keys
    from lines
"""


class JsonObjects:
    """Reads the objects of one file. What is not a JSON object is rejected; a blank text is counted.

    With `each`, the elements of the lists at that path are the records, and each counts as a line;
    an object without that list, or with an empty one, has no records.
    """

    def __init__(
        self,
        columns: JsonColumns,
        counts: LineCounts,
        each: str | None = None,
        *,
        has_blanks: bool = True,
    ) -> None:
        """`has_blanks`: whether a text without a sign is a blank line; otherwise it is rejected."""
        self._columns = columns
        self._counts = counts
        self._each = each
        self._has_blanks = has_blanks
        self._objects = 0

    @property
    def number(self) -> int:
        """How many texts there were so far: lines of a file, or elements of a list."""
        return self._objects

    def reject_long(self, start: bytes, offset: int) -> None:
        """Reject a text that is too long by its start: the rest of it may be gigabytes."""
        reason = _reason(ValueError(_TOO_LONG))
        self._objects += 1
        self._counts.lines += 1
        self._counts.reject(self._objects, offset, reason, start)

    def batch(self, texts: list[bytes], offset: int) -> pa.RecordBatch:
        """The records of texts that follow each other, with one sign between each two.

        Args:
            offset: the place of the first in the file.
        """
        offsets = offset + np.cumsum([0, *(len(text) + 1 for text in texts)])
        batch = (
            self._of_nested(texts, offsets)
            if self._each is not None
            else self._of_objects(texts, offsets)
        )
        self._objects += len(texts)
        return batch

    def _of_objects(self, texts: list[bytes], offsets: np.ndarray) -> pa.RecordBatch:
        good, columns = self._at_once(texts)
        exact: list[list[str | None]] = []
        order = np.arange(len(texts))
        good_so_far = np.cumsum(good)
        for at in np.flatnonzero(~good):
            number, read = self._objects + int(at) + 1, int(good_so_far[at]) + len(exact)
            rows = self._one(texts[at], number, int(offsets[at]), read)
            order[at] = len(texts) + len(exact) if rows else -1
            exact += rows
        self._counts.lines += len(texts)
        return self._numbered(
            [
                pa.concat_arrays([column, pa.array([row[i] for row in exact], pa.string())])
                for i, column in enumerate(columns)
            ],
            order[order >= 0],
        )

    def _of_nested(self, texts: list[bytes], offsets: np.ndarray) -> pa.RecordBatch:
        rows: list[list[str | None]] = []
        before = self._counts.rejected + self._counts.blank
        for at, text in enumerate(texts):
            rows += self._one(text, self._objects + at + 1, int(offsets[at]), len(rows))
        self._counts.lines += len(rows) + self._counts.rejected + self._counts.blank - before
        columns = [
            pa.array([row[i] for row in rows], pa.string()) for i in range(len(self._columns.paths))
        ]
        return self._numbered(columns, np.arange(len(rows)))

    def _numbered(self, columns: list[pa.Array], order: np.ndarray) -> pa.RecordBatch:
        """A batch of the values at these places of the columns."""
        first = self._counts.records + 1
        self._counts.records += len(order)
        numbers = pa.array(np.arange(first, first + len(order)))
        taken = [column.take(pa.array(order)) for column in columns]
        return pa.record_batch([*taken, numbers], schema=schema(self._columns.paths))

    def _at_once(self, lines: list[bytes]) -> tuple[np.ndarray, list[pa.Array]]:
        """Which objects DuckDB has read, and a column of as many texts as objects for each path."""
        paths = self._columns.paths
        none = np.zeros(len(lines), bool), [pa.nulls(len(lines), pa.string()) for _ in paths]
        if len(lines) < FEW_OBJECTS or any(set(path) & set('"\\*') for path in paths):
            return none
        if max(map(len, lines)) > RECORD_BYTES:
            lines = [line if len(line) <= RECORD_BYTES else b"" for line in lines]
        block = b"\n".join(lines)
        try:
            block.decode()
        except UnicodeDecodeError:
            lines = [line if _is_utf8(line) else b"" for line in lines]
        parser = _parser()
        parser.register("lines", pa.table({"line": pa.array(lines, pa.binary()).cast("utf8")}))
        listed = [literal("$" + "".join(f'."{key}"' for key in path.split("."))) for path in paths]
        query = _FAST.format(own=literal(PYTHONS_OWN), paths=f"[{', '.join(listed)}]")
        parser.execute(f"create or replace temp table parsed as {query}")
        _leave_out_repeats(parser, lines, is_nested=block.count(b"{") > len(lines))
        shapes = parser.execute(
            "select keys, min(rowid), count(*) from parsed where ok group by keys order by 2"
        ).fetchall()
        for keys, at, records in shapes:
            self._columns.saw(keys, self._objects + at + 1, records)
        values = ", ".join(f"nullif(texts[{i + 1}], '') as c{i}" for i in range(len(paths)))
        table = parser.execute(f"select ok, {values} from parsed order by rowid").arrow()
        table = table.read_all() if isinstance(table, pa.RecordBatchReader) else table
        good = table.column(0).combine_chunks()
        missing = pa.scalar(None, pa.string())
        texts = [column.combine_chunks().cast("utf8") for column in table.columns[1:]]
        texts = [t.combine_chunks() if isinstance(t, pa.ChunkedArray) else t for t in texts]
        texts = [pc.if_else(good, text, missing) for text in texts]
        for path, column in zip(paths, texts, strict=True):
            if column.null_count < len(column):
                self._columns.present.add(path)
        return good.to_numpy(zero_copy_only=False), texts

    def _one(self, line: bytes, number: int, offset: int, read: int) -> list[list[str | None]]:
        """The texts of the records of one object; none when it is blank or rejected.

        Args:
            read: records of the batch before it.
        """
        try:
            if len(line) > RECORD_BYTES:
                raise ValueError(_TOO_LONG)
            if self._has_blanks and not line.strip():
                self._counts.blank += 1
                return []
            item = parse(line.decode())
            if type(item) is not dict:
                raise ValueError(f"a JSON {type(item).__name__}, expected an object")
            if b"\\u" in line:
                # of any field: two readings of a file, for two entities, number its records alike
                dumped(item).encode()
        except (ValueError, RecursionError) as exc:
            self._counts.reject(number, offset, _reason(exc), line, read=read)
            return []
        rows: list[list[str | None]] = []
        for record in records_in(item, self._each):
            if isinstance(record, Misfit):
                reason, raw = record.reason, dumped(record.value).encode()
                self._counts.reject(number, offset, reason, raw, read=read + len(rows))
                continue
            self._columns.saw(record, number)
            rows.append(self._columns.row(record))
        return rows


def _leave_out_repeats(
    parser: duckdb.DuckDBPyConnection, lines: list[bytes], *, is_nested: bool
) -> None:
    """Leave the objects that may have a key twice to the exact parser."""
    shapes = parser.execute("select distinct keys from parsed where ok").fetchall()
    flat = [keys for (keys,) in shapes if len(set(keys)) < len(keys)]
    if flat:
        parser.execute("update parsed set ok = false where keys in (select unnest(?))", [flat])
    if is_nested:
        rows = parser.execute("select rowid from parsed where ok order by rowid").fetchall()
        read = np.array([at for (at,) in rows], np.int64)
        doubtful = read[may_repeat_inner_keys([lines[at] for at in read])]
        if len(doubtful):
            parser.execute(
                "update parsed set ok = false where rowid in (select unnest(?))",
                [doubtful.tolist()],
            )


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database in memory that only parses: one a process, as opening it costs 20 ms a file."""
    return duckdb.connect(config={"threads": 1})


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeEncodeError):
        return "half of a surrogate pair"
    if isinstance(exc, UnicodeDecodeError):
        return "bytes that are not in the declared encoding"
    # without the place in the line, or every broken line would have its own reason
    found = exc.msg.removesuffix(" at") if isinstance(exc, json.JSONDecodeError) else str(exc)
    return f"not a JSON object: {found}"[:200]
