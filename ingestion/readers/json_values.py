"""JSON values as the text of the source, collected by path into columns."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa


class Number(str):
    """A JSON number as it was written: 1.10 stays 1.10."""


class RepeatedKey(ValueError):
    """An object has a key twice: which of the two values counts would be a guess."""


def parse(text: str | bytes) -> Any:
    """The value of a JSON text, its numbers as Number.

    Raises:
        RepeatedKey: an object in it has a key twice.
        ValueError: the text is not JSON (NaN and Infinity are not).
    """
    return _STRICT.decode(text if isinstance(text, str) else text.decode("utf-8"))


def parse_last(text: str | bytes) -> Any:
    """As `parse`, but of a key that an object has twice, the last value counts.

    Raises:
        ValueError: the text is not JSON.
    """
    return _LENIENT.decode(text if isinstance(text, str) else text.decode("utf-8"))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise RepeatedKey(f"the key {json.dumps(twice, ensure_ascii=False)[:80]} occurs twice")
    return found


def _decoder(**hooks: Any) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_float=Number, parse_int=Number, parse_constant=_no_constant, **hooks
    )


_STRICT, _LENIENT = _decoder(object_pairs_hook=_once_each), _decoder()


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
    """The value at a path of keys, or of places in lists (from 0); None where the path ends early."""
    for key in path:
        if isinstance(record, dict):
            record = record.get(key)
        elif isinstance(record, list) and key.isdecimal() and int(key) < len(record):
            record = record[int(key)]
        else:
            return None
    return record


def lacks(record: Any, path: tuple[str, ...]) -> bool:
    """Whether a record shows that it does not have a path: a key is missing on the way.

    A null on the way, or a list that is too short, shows nothing: an order without a customer says
    nothing of what customers have.
    """
    for key in path:
        if isinstance(record, dict):
            if key not in record:
                return True
            record = record[key]
        elif isinstance(record, list) and key.isdecimal():
            if int(key) >= len(record):
                return False
            record = record[int(key)]
        else:
            return record is not None
    return False


ITEM, PLACE = "^", "#"
"""In a path of a nested list: the item that holds the list, and the element's place in it."""


@dataclass(frozen=True)
class Misfit:
    """A value at the place of a record that is not a record."""

    reason: str
    value: Any


def records_in(item: dict[str, Any], each: str | None) -> Iterator[dict[str, Any] | Misfit]:
    """The records of an item: itself, or the elements of the list that it has at the path `each`.

    An element gets two keys more: the item, and its place in the list, from 1. An item without the
    list, or with an empty one, has no records.
    """
    if each is None:
        yield item
        return
    elements = at_path(item, tuple(each.split(".")))
    if elements is not None and not isinstance(elements, list):
        yield Misfit(f"no list at '{each}'", elements)
        return
    for place, element in enumerate(elements or [], start=1):
        if isinstance(element, dict):
            yield {**element, ITEM: item, PLACE: Number(place)}
        else:
            yield Misfit(f"an element of '{each}' that is not an object", element)


class JsonColumns:
    """Collects the values at some paths, and which keys and paths the records have at all."""

    def __init__(self, paths: tuple[str, ...], declared: Collection[str] | None = None) -> None:
        """`declared`: the keys that are expected; records with others are counted, by key."""
        self.paths = paths
        self.keys: dict[str, int] = {}
        """Top-level key -> the first line (or item) that has it."""
        self.undeclared: dict[str, int] = {}
        """Top-level key that is not declared -> how many records have it."""
        self.present: set[str] = set()
        self._declared = declared
        self._usual: set[str] = set()
        self._usual_from = 0
        """From this line on, nothing is to be noted of keys in `_usual`."""
        self._split = [tuple(path.split(".")) for path in paths]
        self._flat = all(len(path) == 1 for path in self._split)

    def saw(self, keys: Iterable[str], number: int, records: int = 1) -> None:
        """Note the top-level keys of records, the first of them at a line.

        In a record of a nested list, the keys of its item are noted as ^.key.
        """
        if isinstance(keys, dict) and number >= self._usual_from and keys.keys() <= self._usual:
            return
        for key in keys:
            if number < self.keys.get(key, number + 1):
                self.keys[key] = number
            if key == ITEM and isinstance(keys, dict):
                self.saw([f"{ITEM}.{one}" for one in keys[ITEM]], number, records)
            elif (
                self._declared is not None
                and key not in self._declared
                and key not in (ITEM, PLACE)
            ):
                self.undeclared[key] = self.undeclared.get(key, 0) + records
            else:
                self._usual.add(key)
                self._usual_from = max(self._usual_from, self.keys[key])

    def row(self, record: dict[str, Any]) -> list[str | None]:
        """The texts of one record, in the order of `paths`."""
        if self._flat:
            return [as_text(record.get(path)) for path in self.paths]
        row = []
        for name, path in zip(self.paths, self._split, strict=True):
            if name not in self.present and not lacks(record, path):
                self.present.add(name)
            row.append(as_text(at_path(record, path)))
        return row

    @property
    def absent(self) -> list[str]:
        """The paths that every record lacked."""
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
