"""Keys as text: a training frame and an online lookup read every kind of value alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from feature_store.keys import is_missing, key_column
from feature_store.offline.entity_frame import read_labels
from feature_store.online.rows import as_keys
from recomart.errors import InvalidKey

WHOLE = [0, 1, -1, 7, 127, 255, 2047, 2048, 2049, 2**24 - 1, 2**24, 2**24 + 1, 2**53 - 1, 2**53]
WHOLE += [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**21]
TEXTS = ["7", "007", "42", "42.0", " 42", "-0", "", "NaN", "None", "\u00e9", "e\u0301", "用户"]


def integers(kind: Any) -> st.SearchStrategy[Any]:
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    known = st.sampled_from([number for number in WHOLE if low <= number <= high])
    return (known | st.integers(low, high)).map(kind)


def floats(kind: Any) -> st.SearchStrategy[Any]:
    bits, largest = np.finfo(kind).bits, float(np.finfo(kind).max)
    known = st.sampled_from([number for number in WHOLE if abs(number) <= largest])
    return known.map(kind) | st.floats(width=bits).map(kind)


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    **{name: integers(getattr(np, name)) for name in ("int8", "int16", "int32", "int64")},
    **{name: integers(getattr(np, name)) for name in ("uint8", "uint16", "uint32", "uint64")},
    **{name: floats(getattr(np, name)) for name in ("float16", "float32", "float64")},
    "int": st.sampled_from(WHOLE) | st.integers(),
    "float": st.sampled_from(WHOLE).map(float) | st.floats(),
    "decimal": st.sampled_from(WHOLE).map(Decimal) | st.decimals(places=2, min_value=-999),
    "text": st.sampled_from(TEXTS) | st.text(),
    "bool": st.booleans() | st.booleans().map(np.bool_),
    "bytes": st.binary(),
    "missing": st.sampled_from([None, pd.NA, pd.NaT]),
}
ARROW = {
    **{name: getattr(pa, name)() for name in SCALARS if name.lstrip("u").startswith("int") and name != "int"},
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(), "float": pa.float64(),
    "int": pa.int64(), "decimal": pa.decimal128(38, 2), "text": pa.string(), "bool": pa.bool_(),
    "bytes": pa.binary(), "missing": pa.null(),
}  # fmt: skip
NULLABLE = {
    **{name: name.replace("ui", "UI").replace("i", "I", 1) for name in ARROW if name[-1] in "8246"},
    "text": "string",
    "bool": "boolean",
}


def columns_of(kind: str, values: list[Any]) -> Iterator[Any]:
    """The values as each column that can hold them: pandas' object and own types, nullable, Arrow."""
    yield pd.Series(values, dtype=object)
    if kind in NULLABLE and kind != "float16" and all(value == value for value in values):
        # pandas makes a NaN of these missing by itself
        yield pd.Series(values, dtype=NULLABLE[kind].replace("float", "Float"))
    if kind not in ("missing", "int", "decimal", "bytes", "text"):
        yield pd.Series(values, dtype=kind)
    if kind == "text":
        yield pd.Series(values, dtype="category")
    try:
        yield pa.array([None if kind == "missing" else value for value in values], ARROW[kind])
    except (pa.ArrowInvalid, OverflowError):
        return  # Arrow's type cannot hold an integer of this size


def offline(column: Any) -> list[str | None]:
    """The texts by which a training frame is joined."""
    frame = (
        pa.table({"user_id": column})
        if isinstance(column, pa.Array)
        else pd.DataFrame({"user_id": column})
    )
    labels = read_labels(frame, ["user_id"]).table()
    texts: list[str | None] = key_column(labels["user_id"], "user_id").to_pylist()
    return texts


def online(value: Any) -> str | None:
    """The text of the key that is looked up; a missing or empty one is refused there, and in a frame
    has no features."""
    if is_missing(value) or value == "":
        with pytest.raises(InvalidKey, match=r"missing|empty"):
            as_keys([value], ("user_id",), "ftr_users")
        return None if is_missing(value) else ""
    return as_keys([value], ("user_id",), "ftr_users")[0][0]


def refusal(call: Callable[[], Any]) -> str | None:
    try:
        call()
    except InvalidKey as exc:
        return exc.message.partition(": ")[2]
    return None


@pytest.mark.parametrize("kind", SCALARS)
@hypothesis_settings(max_examples=50)
@given(data=st.data())
def test_offline_equals_online_for_every_kind_of_key(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(SCALARS[kind], min_size=1, max_size=5))
    refused = [refusal(partial(online, value)) for value in values]
    for column in columns_of(kind, values):
        if any(refused):
            rows = "|".join(str(row) for row, reason in enumerate(refused) if reason)
            with pytest.raises(InvalidKey, match=rf"user_id in row ({rows}) \(from 0\)"):
                offline(column)
        else:
            assert offline(column) == [online(value) for value in values]


@pytest.mark.parametrize(
    ("values", "row"),
    [([7, True], 1), ([7, "7", 7.5], 2), (["a", math.nan], 1), (["a", b"a"], 1), ([2**60, 0.5], 1)],
)
def test_a_column_of_several_types_is_read_value_by_value(values: list[Any], row: int) -> None:
    with pytest.raises(InvalidKey, match=f"user_id in row {row} "):
        offline(pd.Series(values, dtype=object))
    assert offline(pd.Series(values[:row], dtype=object)) == [str(value) for value in values[:row]]


def test_columns_of_other_types_are_refused_by_their_first_value() -> None:
    for column in (pa.array([None, [1]]), pd.Series(pd.to_datetime([None, "2024-01-01"]))):
        with pytest.raises(InvalidKey, match=r"user_id in row 1 .* of type (list|timestamp)"):
            offline(column)
