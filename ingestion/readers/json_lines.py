"""JSON lines to batches of records: one object a line, its values as the text of the source.

Python's parser reads a line exactly, but slowly. DuckDB reads most lines equally well, many at once.
Python reads the others: those that DuckDB would read other than they are written (1.10 as 1.1), those
that it should not accept (NaN, an extra comma), and those that are not JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from ingestion.readers.json_values import JsonColumns, dumped, parse, schema
from ingestion.readers.records import LineCounts
from recomart.sql import literal

RECORD_BYTES = 1 << 20
_TOO_LONG = f"longer than {RECORD_BYTES:,} bytes"
FEW_LINES = 2_000
"""Fewer lines are parsed in Python before DuckDB has planned its query."""

PYTHONS_OWN = r'":\s*-?\d+[.eE]|[\[,]\s*-?\d+[.eE]|[:\[,]\s*-0|,\s*[}\]]|[:\[,]\s*-?(?i:nan|inf)'
"""What DuckDB reads other than it is written. A text that looks like it only costs time."""

_FAST = """
    select coalesce(try(json_type(line)) = 'OBJECT', false) and not regexp_matches(line, {own}) as ok,
        case when ok then json_extract_string(line, {paths}) end as texts,
        case when ok then json_keys(line) end as keys
    from lines
"""


class JsonLinesReader:
    """Reads one file's text. A line that is not a JSON object is rejected; a blank one is counted."""

    def __init__(self, columns: JsonColumns, counts: LineCounts) -> None:
        self._columns = columns
        self._counts = counts
        self._offset = 0
        self._skipping = False

    def batches(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """Batches of `schema(paths)`, in the file's order."""
        rest = b""
        for piece in pieces:
            text = rest + (self._skip(piece) if self._skipping else piece)
            head, end, rest = text.rpartition(b"\n")
            if end:
                yield self._batch(head.split(b"\n"))
            if len(rest) > RECORD_BYTES:
                self._reject_long(rest)
                rest = b""
        if rest:
            yield self._batch([rest])

    def _reject_long(self, start: bytes) -> None:
        """Reject a line that is too long by its start: the rest of it may be gigabytes."""
        reason = _reason(ValueError(_TOO_LONG))
        self._counts.reject(self._counts.lines + 1, self._offset, reason, start)
        self._counts.lines += 1
        self._offset += len(start)
        self._skipping = True

    def _skip(self, piece: bytes) -> bytes:
        """Drop the rest of a line that is too long."""
        end = piece.find(b"\n") + 1
        self._skipping = end == 0
        self._offset += end or len(piece)
        return piece[end:] if end else b""

    def _batch(self, lines: list[bytes]) -> pa.RecordBatch:
        good, texts = self._at_once(lines)
        exact: list[list[str | None]] = []
        order = np.arange(len(lines))
        offsets = self._offset + np.cumsum([0, *(len(line) + 1 for line in lines)])
        good_so_far = np.cumsum(good)
        for at in np.flatnonzero(~good):
            number, read = self._counts.lines + int(at) + 1, int(good_so_far[at]) + len(exact)
            row = self._one(lines[at], number, int(offsets[at]), read)
            order[at] = -1 if row is None else len(lines) + len(exact)
            if row is not None:
                exact.append(row)
        order = pa.array(order[order >= 0])
        columns = [
            pa.concat_arrays([column, pa.array([row[i] for row in exact], pa.string())]).take(order)
            for i, column in enumerate(texts)
        ]
        first = self._counts.records + 1
        numbers = pa.array(np.arange(first, first + len(order)))
        self._counts.records += len(order)
        self._counts.lines += len(lines)
        self._offset = int(offsets[-1])
        return pa.record_batch([*columns, numbers], schema=schema(self._columns.paths))

    def _at_once(self, lines: list[bytes]) -> tuple[np.ndarray, list[pa.Array]]:
        """Which lines DuckDB has read, and a column of as many texts as lines for each path."""
        paths = self._columns.paths
        none = np.zeros(len(lines), bool), [pa.nulls(len(lines), pa.string()) for _ in paths]
        if len(lines) < FEW_LINES or any(set(path) & set('"\\*') for path in paths):
            return none
        if max(map(len, lines)) > RECORD_BYTES:
            lines = [line if len(line) <= RECORD_BYTES else b"" for line in lines]
        try:
            b"\n".join(lines).decode()
        except UnicodeDecodeError:
            lines = [line if _is_utf8(line) else b"" for line in lines]
        parser = _parser()
        parser.register("lines", pa.table({"line": pa.array(lines, pa.binary()).cast("utf8")}))
        listed = [literal("$" + "".join(f'."{key}"' for key in path.split("."))) for path in paths]
        query = _FAST.format(own=literal(PYTHONS_OWN), paths=f"[{', '.join(listed)}]")
        parser.execute(f"create or replace temp table parsed as {query}")
        shapes = parser.execute(
            "select keys, min(rowid) from parsed where ok group by keys order by 2"
        ).fetchall()
        if any(len(set(keys)) < len(keys) for keys, _ in shapes):
            return none
        for keys, at in shapes:
            self._columns.saw(keys, self._counts.lines + at + 1)
        values = ", ".join(f"nullif(texts[{i + 1}], '') as c{i}" for i in range(len(paths)))
        table = parser.execute(f"select ok, {values} from parsed order by rowid").arrow()
        table = table.read_all() if isinstance(table, pa.RecordBatchReader) else table
        texts = [column.combine_chunks().cast("utf8") for column in table.columns[1:]]
        texts = [t.combine_chunks() if isinstance(t, pa.ChunkedArray) else t for t in texts]
        for path, column in zip(paths, texts, strict=True):
            if column.null_count < len(column):
                self._columns.present.add(path)
        return table.column(0).combine_chunks().to_numpy(zero_copy_only=False), texts

    def _one(self, line: bytes, number: int, offset: int, read: int) -> list[str | None] | None:
        """The texts of one line; None when it is blank or a reject.

        Args:
            read: records of the batch before it.
        """
        try:
            if len(line) > RECORD_BYTES:
                raise ValueError(_TOO_LONG)
            if not line.strip():
                self._counts.blank += 1
                return None
            record = parse(line.decode())
            if type(record) is not dict:
                raise ValueError(f"a JSON {type(record).__name__}, expected an object")
            self._columns.saw(record, number)
            row = self._columns.row(record, number)
            if b"\\u" in line:
                # of any field: two readings of a file, for two entities, number its records alike
                dumped(record).encode()
        except (ValueError, RecursionError) as exc:
            self._counts.reject(number, offset, _reason(exc), line, read=read)
            return None
        return row


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
