"""Columns of features as Redis's bulk strings, without a step of Python per row.

Own code, not Feast's, because of the rate at which rows reach Redis: Feast's materialize, which makes
a protobuf message of each value, writes 7,000 to 10,000 rows a second; these columns 95,000, where
Redis itself takes 168,000 (10 features a row, `python -m benchmarks.publish_online`).

Each function gives a binary array whose cells are `$<length>\\r\\n<bytes>\\r\\n`, the bytes those of
`feature_store/online/layout.py`: joined cell by cell, they are the commands that are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_store.online.layout import (
    INT64_KEY,
    NULL_TIME,
    STRING_KEY,
    TAGS,
    ViewLayout,
    encode_time,
    varint,
)
from feature_store.online.resp import bulk

Column: TypeAlias = pa.Array | pa.ChunkedArray

END = b"\r\n"
EMPTY = bulk(b"")
NATIVE: dict[str, Callable[[pa.DataType], bool]] = {
    "String": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    "Int64": pa.types.is_signed_integer,
    "Float64": pa.types.is_float64,
    "Bool": pa.types.is_boolean,
    "UnixTimestamp": pa.types.is_timestamp,
}
"""Feast types that are encoded here, and the Arrow types that their columns may have."""

_DIGITS = np.arange(10)
_THRESHOLDS = np.array([1 << 7 * place for place in range(1, 10)], dtype=np.uint64)


def value_cells(values: Column, kind: str) -> pa.Array:
    """Cells of serialized `feast.types.Value`. A null or NaN is empty, but for times.

    Args:
        kind: a Feast type of NATIVE; the column is of one of its Arrow types.
    """
    column = _one(values)
    if kind == "UnixTimestamp":
        seconds = np.floor_divide(micros_of(column), 1_000_000)
        seconds[_nulls(column)] = NULL_TIME
        return _varint_cells(seconds, TAGS[kind])
    if kind == "Float64":
        missing = pc.or_(pc.is_null(column), pc.is_nan(pc.fill_null(column, 0.0)))
        cells = _float_cells(_numbers(column, 0.0).astype("<f8"))
    elif kind == "Int64":
        missing = pc.is_null(column)
        cells = _varint_cells(_numbers(column.cast(pa.int64()), 0), TAGS[kind])
    elif kind == "Bool":
        missing = pc.is_null(column)
        both = pa.array([bulk(bytes((TAGS[kind], truth))) for truth in (0, 1)], pa.binary())
        cells = both.take(column.cast(pa.int8()).fill_null(0))
    else:
        missing = pc.is_null(column)
        cells = _string_cells(column)
    return pc.if_else(missing, pa.scalar(EMPTY, pa.binary()), cells)


def time_cells(values: Column) -> pa.Array:
    """Cells of serialized `google.protobuf.Timestamp`, to the microsecond."""
    coded = pa.array(micros_of(values), pa.int64()).dictionary_encode()
    distinct = [bulk(encode_time(us)) for us in coded.dictionary.to_pylist()]
    return pa.array(distinct, pa.binary()).take(coded.indices)


def key_cells(layout: ViewLayout, columns: dict[str, Column]) -> pa.Array:
    """Cells of the Redis keys of entities.

    Args:
        columns: strings or 64-bit integers by join key, without nulls.
    """
    parts: list[pa.Array | pa.Scalar] = [_bytes(layout.key_prefix)]
    fixed = len(layout.key_prefix) + len(layout.project.encode())
    length = np.zeros(len(columns[layout.join_keys[0]]), dtype=np.int64)
    for name in sorted(layout.join_keys):
        column = _one(columns[name])
        if pa.types.is_integer(column.type):
            kinds, sizes = INT64_KEY, np.full(len(column), 8, dtype=np.int64)
            text = _fixed(_numbers(column, 0).astype("<i8").view(np.uint8).reshape(-1, 8))
        else:
            text = column.cast(pa.binary())
            kinds, sizes = STRING_KEY, _numbers(pc.binary_length(text), 0).astype(np.int64)
        heads = np.empty((len(column), 2), dtype="<u4")
        heads[:, 0], heads[:, 1] = kinds, sizes
        parts += [_fixed(heads.view(np.uint8).reshape(-1, 8)), text]
        length += 8 + sizes
    frame = _by_number(length + fixed, lambda size: b"$%d\r\n" % size)
    return join_cells([frame, *parts, _bytes(layout.project.encode() + END)])


def join_cells(parts: list[pa.Array | pa.Scalar]) -> pa.Array:
    """Cell by cell, the parts one after the other; a scalar is the same in each row."""
    return pc.binary_join_element_wise(*parts, _bytes(b""))


def _string_cells(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string()).cast(pa.binary())
    tag = bytes((TAGS["String"],))

    def head(size: int) -> bytes:
        inner = tag + varint(size)
        return b"$%d\r\n%b" % (len(inner) + size, inner)

    text = pc.fill_null(text, b"")
    heads = _by_number(_numbers(pc.binary_length(text), 0), head)
    return join_cells([heads, text, _bytes(END)])


def _float_cells(numbers: np.ndarray) -> pa.Array:
    frame = np.frombuffer(b"$9\r\n" + bytes((TAGS["Float64"],)), dtype=np.uint8)
    cells = np.empty((len(numbers), 15), dtype=np.uint8)
    cells[:, :5], cells[:, 13:] = frame, np.frombuffer(END, dtype=np.uint8)
    cells[:, 5:13] = np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 8)
    return _fixed(cells)


def _varint_cells(numbers: np.ndarray, tag: int) -> pa.Array:
    """Ten bytes of room for each number, and a mask of those that it takes."""
    unsigned = np.ascontiguousarray(numbers, dtype=np.int64).view(np.uint64)  # two's complement
    groups = np.searchsorted(_THRESHOLDS, unsigned, side="right") + 1
    size = groups + 1
    cells = np.empty((len(unsigned), 18), dtype=np.uint8)
    keep = np.ones(cells.shape, dtype=bool)
    cells[:, 0], cells[:, 3], cells[:, 4], cells[:, 5] = ord("$"), 13, 10, tag
    cells[:, 1], cells[:, 2] = size // 10 + ord("0"), size % 10 + ord("0")
    keep[:, 1] = size >= 10
    bits = (unsigned[:, None] >> (7 * _DIGITS).astype(np.uint64)).astype(np.uint8) & 0x7F
    cells[:, 6:16] = bits | np.where((groups - 1)[:, None] > _DIGITS, 0x80, 0).astype(np.uint8)
    keep[:, 6:16] = groups[:, None] > _DIGITS
    cells[:, 16], cells[:, 17] = 13, 10
    offsets = np.zeros(len(unsigned) + 1, dtype=np.int32)
    np.cumsum(keep.sum(axis=1), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(cells[keep])]
    return pa.Array.from_buffers(pa.binary(), len(unsigned), buffers)


def _by_number(numbers: np.ndarray, cell: Callable[[int], bytes]) -> pa.Array:
    """A cell for each number, made once for each that is different."""
    distinct, places = np.unique(numbers, return_inverse=True)
    made = [cell(int(number)) for number in distinct]
    return pa.array(made, pa.binary()).take(pa.array(places))


def micros_of(values: Column) -> np.ndarray:
    """Microseconds since 1970 of times, finer ones cut off; 0 for nulls."""
    column = _one(values)
    if column.type.unit == "ns":
        return _numbers(column.cast(pa.int64()), 0) // 1_000
    return _numbers(column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()), 0).copy()


def _numbers(column: pa.Array, null: float) -> np.ndarray:
    return np.asarray(pc.fill_null(column, null).to_numpy(zero_copy_only=False))


def _nulls(column: pa.Array) -> np.ndarray:
    return np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False))


def _fixed(cells: np.ndarray) -> pa.Array:
    """(n, width) bytes as cells."""
    count, width = cells.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(cells))]
    return pa.Array.from_buffers(pa.binary(), count, buffers)


def _one(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _bytes(value: bytes) -> pa.Scalar:
    return pa.scalar(value, pa.binary())
