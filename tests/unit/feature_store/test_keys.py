"""A key's text: the digits of a whole number, the text itself, or a refusal with its place."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from feature_store.keys import is_missing, key_column, key_text, key_texts
from recomart.errors import InvalidKey

FLOATS = (np.float16, np.float32, np.float64, float)
DIGITS = {np.float16: 11, np.float32: 24, np.float64: 53, float: 53}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"), ("é", "é"), ("", ""), (np.str_("7"), "7"), (7, "7"), (-1, "-1"),
        (2**70, str(2**70)), (np.uint64(2**64 - 1), str(2**64 - 1)), (42.0, "42"), (-0.0, "0"),
        (Decimal("42.00"), "42"), (Decimal("1E+2"), "100"), (Decimal(2**70), str(2**70)),
    ],
)  # fmt: skip
def test_a_key_has_one_text(value: Any, text: str) -> None:
    assert key_text(value) == text


@pytest.mark.parametrize(
    "value",
    [True, np.bool_(False), 4.5, math.nan, math.inf, Decimal("0.1"), Decimal("NaN"), b"7", None,
     object(), "\ud800"],
)  # fmt: skip
def test_what_spells_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"number|value|type|missing|Unicode"):
        key_text(value)
    assert is_missing(value) == (value is None)


@pytest.mark.parametrize("kind", FLOATS)
def test_a_float_is_a_key_while_it_is_exact(kind: Any) -> None:
    limit = 2 ** DIGITS[kind]
    assert key_text(kind(limit - 1)) == str(limit - 1)
    with pytest.raises(ValueError, match="rounding of another key"):
        key_text(kind(limit))


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_a_column_of_floats_is_read_as_its_values_are(kind: pa.DataType) -> None:
    limit = 2 ** DIGITS[kind.to_pandas_dtype()]
    numbers = [kind.to_pandas_dtype()(n) for n in (0, 42, limit - 1)]
    good = pa.chunked_array([pa.array([*numbers, None], kind)])
    assert key_column(good, "user_id").to_pylist() == ["0", "42", str(limit - 1), None]
    for bad in (limit, 0.5, math.nan):
        column = pa.chunked_array([pa.array([numbers[0], kind.to_pandas_dtype()(bad)], kind)])
        with pytest.raises(InvalidKey, match=r"user_id in row 11 \(from 0\)"):
            key_column(column, "user_id", first_row=10)


def test_columns_of_integers_decimals_and_categories_are_read_by_their_digits() -> None:
    columns = {
        "int": pa.array([2**63 - 1, None]),
        "decimal": pa.array([Decimal("9223372036854775807.00"), None]),
        "category": pa.array(["9223372036854775807", None]).dictionary_encode(),
        "text": pa.array(["9223372036854775807", None], pa.large_string()),
    }
    for column in columns.values():
        found = key_column(pa.chunked_array([column]), "user_id").to_pylist()
        assert found == ["9223372036854775807", None]
    assert key_column(pa.chunked_array([pa.nulls(2)]), "user_id").to_pylist() == [None, None]
    with pytest.raises(InvalidKey, match="of type list"):
        key_column(pa.chunked_array([pa.array([[1]])]), "user_id")


def test_objects_are_read_one_by_one() -> None:
    assert key_texts([1, "1", None, Decimal(1)], "user_id") == ["1", "1", None, "1"]
    with pytest.raises(InvalidKey) as caught:
        key_texts([1, 1.5], "user_id")
    assert caught.value.found == "1.5"
