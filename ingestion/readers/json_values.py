"""JSON values as the text of the source, collected by path into columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa


class Number(str):
    """A JSON number as it was written: 1.10 stays 1.10."""


def parse(text: str | bytes) -> Any:
    """The value of a JSON text, its numbers as Number.

    Raises:
        ValueError: the text is not JSON (NaN and Infinity are not).
    """
    return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
        """Top-level key -> the first line (or item) that has it."""
        self.present: set[str] = set()
        self._split = [tuple(path.split(".")) for path in paths]
        self._flat = all(len(path) == 1 for path in self._split)

    def saw(self, keys: Iterable[str], number: int) -> None:
        """Note the top-level keys of the record at a line."""
        for key in keys:
            if number < self.keys.get(key, number + 1):
                self.keys[key] = number

    def row(self, record: dict[str, Any], number: int) -> list[str | None]:
        """The texts of one record, in the order of `paths`."""
        if not record.keys() <= self.keys.keys():
            self.saw(record, number)
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
