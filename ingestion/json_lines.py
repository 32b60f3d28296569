"""JSON lines to batches of records: one object a line, its values as the text that stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from ingestion.records import Tally

RECORD_BYTES = 1 << 20


class Number(str):
    """A JSON number as it was written: 1.10 stays 1.10."""


def parse(text: str | bytes) -> Any:
    """The value of a JSON text, its numbers as Number.

    Raises:
        ValueError: no JSON (NaN and Infinity are none).
    """
    return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)


def as_text(value: Any) -> str | None:
    """A JSON value as raw tables hold it; None for null and for the empty string."""
    if type(value) is str or type(value) is Number:
        return str(value) or None
    if value is None:
        return None
    return dumped(value)


def dumped(value: Any) -> str:
    """A parsed value as compact JSON, its numbers as they were written."""
    if isinstance(value, dict):
        items = (f"{json.dumps(k, ensure_ascii=False)}:{dumped(v)}" for k, v in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumped, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def at_path(record: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of keys; None where the path ends early."""
    for key in path:
        if not isinstance(record, dict):
            return None
        record = record.get(key)
    return record


class JsonColumns:
    """Collects the values at some paths, and which keys and paths the records have at all."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths
        self.keys: dict[str, int] = {}
        """Top-level key -> the first record that has it."""
        self.present: set[str] = set()
        self._split = [tuple(path.split(".")) for path in paths]
        self._flat = all(len(path) == 1 for path in self._split)

    def row(self, record: dict[str, Any], number: int) -> list[str | None]:
        """The texts of one record, in the order of `paths`."""
        if not record.keys() <= self.keys.keys():
            for key in record:
                self.keys.setdefault(key, number)
        if self._flat:
            return [as_text(record.get(path)) for path in self.paths]
        row = []
        for name, path in zip(self.paths, self._split, strict=True):
            value = at_path(record, path)
            if value is not None:
                self.present.add(name)
            row.append(as_text(value))
        return row

    @property
    def absent(self) -> list[str]:
        """The paths that no record had."""
        if self._flat:
            return [path for path in self.paths if path not in self.keys]
        return [path for path in self.paths if path not in self.present]


def schema(paths: tuple[str, ...]) -> pa.Schema:
    """Positional columns c0, c1, ... for the paths, and `_record`."""
    return pa.schema(
        [*((f"c{i}", pa.string()) for i in range(len(paths))), ("_record", pa.int64())]
    )


def as_batch(rows: list[list[str | None]], first: int, paths: tuple[str, ...]) -> pa.RecordBatch:
    """Rows of texts as a batch, numbered from `first`."""
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [
        pa.array([], pa.string()) for _ in paths
    ]
    numbers = pa.array(np.arange(first, first + len(rows)))
    return pa.record_batch([*columns, numbers], schema=schema(paths))


class JsonLinesReader:
    """Reads one file's text. A line that is no JSON object is a reject; a blank one is counted."""

    def __init__(self, columns: JsonColumns, tally: Tally) -> None:
        self._columns = columns
        self._tally = tally
        self._offset = 0

    def batches(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """Batches of `schema(paths)`, in the file's order."""
        rest = b""
        for piece in pieces:
            head, end, tail = piece.rpartition(b"\n")
            if not end:
                rest += piece
                continue
            yield self._batch((rest + head).split(b"\n"))
            rest = tail
        if rest:
            yield self._batch([rest])

    def _batch(self, lines: list[bytes]) -> pa.RecordBatch:
        tally, columns = self._tally, self._columns
        first = tally.records + 1
        rows = []
        for line in lines:
            tally.lines += 1
            if not line.strip():
                tally.blank += 1
            else:
                try:
                    record = parse(line.decode())
                    if type(record) is not dict:
                        raise ValueError(f"a JSON {type(record).__name__}, expected an object")
                    row = columns.row(record, tally.records + 1)
                    "".join(filter(None, row)).encode()
                except (ValueError, RecursionError) as exc:
                    tally.reject(tally.lines, self._offset, _reason(exc), line)
                else:
                    rows.append(row)
                    tally.records += 1
            self._offset += len(line) + 1
        return as_batch(rows, first, columns.paths)


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeEncodeError):
        return "half of a surrogate pair"
    if isinstance(exc, UnicodeDecodeError):
        return "bytes that are not in the declared encoding"
    return f"no JSON object: {exc}"[:200]
