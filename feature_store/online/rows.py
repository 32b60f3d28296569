"""Rows as Redis serves them: values with a status and an age, decoded from Feast's layout."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np

from feature_store.keys import invalid_key, key_text
from feature_store.online.heartbeat import Heartbeat
from feature_store.online.layout import Scalar, decode_time, decode_value
from recomart.errors import InvalidKey

Key = Any
"""A key: text or a whole number (`feature_store/keys.py`); of a view with several join keys, a tuple in
their order, or a mapping by their names."""


class Status(StrEnum):
    """What can be said of a value."""

    PRESENT = "PRESENT"
    NULL = "NULL"  # the view has a row of the entity, and this feature has no value in it
    NOT_FOUND = "NOT_FOUND"  # the view has no row of this entity
    STALE = "STALE"  # a value, but the view's last publish is older than its limit


@dataclass(frozen=True)
class FeatureValue:
    """One feature of one entity. Times are datetimes in UTC; `age` as in OnlineRows."""

    view: str
    feature: str
    value: Scalar | datetime
    status: Status
    age: float | None


@dataclass(frozen=True)
class OnlineRows:
    """One view's rows for n keys, in the order of the keys.

    Args:
        keys: (n) values of the view's join keys.
        columns: (n) values by feature, None where missing; times in whole seconds since 1970.
        found: (n) whether the view has a row of the key.
        event_timestamp: (n) seconds since 1970 from which on the row is valid; NaN if not found.
        age: (n) seconds since then by the shop's clock, which went on since the last publish.
        stale: whether the view's last publish is older than its limit.
    """

    heartbeat: Heartbeat
    keys: list[tuple[str, ...]]
    columns: dict[str, list[Scalar]]
    found: np.ndarray
    event_timestamp: np.ndarray
    age: np.ndarray
    stale: bool

    def statuses(self, feature: str) -> list[Status]:
        """(n) what can be said of a feature's values."""
        present, null, absent = (
            Status.STALE if self.stale else Status.PRESENT,
            Status.NULL,
            Status.NOT_FOUND,
        )
        column = self.columns[feature]
        if self.found.all():
            return [null if value is None else present for value in column]
        return [
            (null if value is None else present) if found else absent
            for value, found in zip(column, self.found.tolist(), strict=True)
        ]

    def numbers(self, feature: str) -> np.ndarray:
        """(n) float64 values of a feature that is not a string; NaN where missing."""
        return np.array(self.columns[feature], dtype="float64")

    def values(self) -> list[FeatureValue]:
        """The features of the first key, one by one."""
        age = float(self.age[0]) if self.found[0] else None
        listed = []
        for name, kind in self.heartbeat.layout.features:
            value, status = self.columns[name][0], self.statuses(name)[0]
            shown: Scalar | datetime = value
            if kind == "UnixTimestamp" and value is not None:
                shown = datetime.fromtimestamp(float(value), UTC)
            listed.append(FeatureValue(self.heartbeat.layout.view, name, shown, status, age))
        return listed


def as_keys(keys: Iterable[Key], join_keys: tuple[str, ...], view: str) -> list[tuple[str, ...]]:
    """The keys' values as text, in the order of the view's join keys.

    Raises:
        InvalidKey: one has other names, or not as many values; or a value is missing, empty, or
            has no exact text.
    """
    return [_as_key(key, place, join_keys, view) for place, key in enumerate(keys)]


def _as_key(key: Key, place: int, join_keys: tuple[str, ...], view: str) -> tuple[str, ...]:
    if isinstance(key, Mapping):
        values = tuple(key.get(name) for name in join_keys)
        fits = set(key) == set(join_keys)
    else:
        values = tuple(key) if isinstance(key, tuple | list) else (key,)
        fits = len(values) == len(join_keys)
    if not fits:
        raise InvalidKey(
            f"a key of {', '.join(join_keys)} is wanted for {view}",
            where=f"key {place} (from 0)",
            found=repr(sorted(key) if isinstance(key, Mapping) else key)[:100],
            help="give the values in this order as a tuple, or by their names",
        )
    return tuple(map(_text, values, join_keys, repeat(place), repeat(view)))


def _text(value: object, name: str, place: int, view: str) -> str:
    try:
        if text := key_text(value):
            return text
        raise ValueError("empty")
    except ValueError as exc:
        raise invalid_key(name, f"key {place}", value, exc, where=view) from exc


def decode_rows(
    heartbeat: Heartbeat, keys: list[tuple[str, ...]], replies: Sequence[Sequence[bytes | None]]
) -> OnlineRows:
    """Rows from what HMGET gave for each key: the event timestamp, then the features in order."""
    layout = heartbeat.layout
    cells = list(zip(*replies, strict=True)) or [()] * (1 + len(layout.features))
    stamps = cells[0]
    event_timestamp = np.array([np.nan if s is None else _time(s) for s in stamps])
    columns: dict[str, list[Scalar]] = {
        name: list(map(decode_value if kind == "Float64" else _value, column))
        for (name, kind), column in zip(layout.features, cells[1:], strict=True)
    }
    since_publish = time.time() - heartbeat.published_at.timestamp()
    return OnlineRows(
        heartbeat=heartbeat,
        keys=keys,
        columns=columns,
        found=np.array([stamp is not None for stamp in stamps], dtype=bool),
        event_timestamp=event_timestamp,
        age=heartbeat.as_of.timestamp() + since_publish - event_timestamp,
        stale=since_publish > heartbeat.stale_after_hours * 3_600,
    )


# Counts and times repeat from row to row and from call to call.
_value = lru_cache(maxsize=1 << 16)(decode_value)
_time = lru_cache(maxsize=1 << 14)(decode_time)
