"""Columns encoded at once against values encoded one by one."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_store.online.columns import key_cells, time_cells, value_cells
from feature_store.online.layout import ViewLayout, decode_value, encode_time, encode_value
from feature_store.online.resp import bulk

INT64 = st.integers(-(2**63), 2**63 - 1)
COLUMNS = {
    "Int64": (st.none() | INT64 | st.integers(-300, 300), pa.int64()),
    "Float64": (st.none() | st.floats(), pa.float64()),
    "Bool": (st.none() | st.booleans(), pa.bool_()),
    "String": (st.none() | st.text(max_size=200), pa.string()),
}


@pytest.mark.parametrize("kind", COLUMNS)
@settings(deadline=None)
@given(data=st.data())
def test_a_columns_cells_are_its_values_one_by_one(kind: str, data: st.DataObject) -> None:
    strategy, arrow = COLUMNS[kind]
    values = data.draw(st.lists(strategy, max_size=20))
    expected = [bulk(encode_value(value, kind)) for value in values]

    assert value_cells(pa.array(values, arrow), kind).to_pylist() == expected
    assert value_cells(pa.chunked_array([values[:3], values[3:]], arrow), kind).to_pylist() == (
        expected
    )


@pytest.mark.parametrize(("number", "groups"), [(127, 1), (128, 2), (2**56 - 1, 8), (2**56, 9)])
def test_a_number_takes_a_byte_for_each_seven_bits(number: int, groups: int) -> None:
    (cell,) = value_cells(pa.array([number]), "Int64").to_pylist()

    assert cell.startswith(b"$%d\r\n\x20" % (1 + groups))


def test_nan_is_missing_as_in_feast() -> None:
    cells = value_cells(pa.array([math.nan, None, 0.0]), "Float64").to_pylist()

    assert cells[:2] == [b"$0\r\n\r\n"] * 2
    assert cells[2] != cells[0]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_times_are_kept_in_whole_seconds_rounded_down(unit: str) -> None:
    scale = {"us": 1, "ns": 1_000}[unit]
    micros = [1_999_999, -500_000, None]
    times = pa.array([m and m * scale for m in micros], pa.timestamp(unit, "UTC"))

    cells = value_cells(times, "UnixTimestamp").to_pylist()

    values = [decode_value(cell.split(b"\r\n", 1)[1][:-2]) for cell in cells]
    assert values == [1, -1, None]


def test_the_rows_own_time_is_kept_to_the_microsecond() -> None:
    micros = [0, 1_500_000, 1_500_000, 86_400_000_001]

    cells = time_cells(pa.array(micros, pa.timestamp("us"))).to_pylist()

    assert cells == [bulk(encode_time(m)) for m in micros]


def test_keys_of_several_names_are_joined_in_the_order_of_the_names() -> None:
    layout = ViewLayout("shop", "view", ("user_id", "category"), ())
    rows = {"user_id": ["ü", "", "u" * 300], "category": ["a", "bb", "a"]}

    cells = key_cells(layout, {name: pa.array(values) for name, values in rows.items()})

    keys = layout.keys(list(zip(*rows.values(), strict=True)))
    assert cells.to_pylist() == [bulk(key) for key in keys]


def test_no_rows_give_no_cells() -> None:
    layout = ViewLayout("shop", "view", ("user_id",), ())
    nothing = pa.chunked_array([], pa.string())

    assert key_cells(layout, {"user_id": nothing}).to_pylist() == []
    assert value_cells(nothing, "String").to_pylist() == []
    assert value_cells(pa.chunked_array([], pa.int64()), "Int64").to_pylist() == []
