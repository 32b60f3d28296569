"""Entity keys as text: one rule for training frames and for online lookups.

RecoMart's keys are texts. A frame or a caller often has numbers: 42, 42.0 where a column has gaps, a
Decimal from a database. A number is the key that its exact digits spell, and only if it says without
doubt which integer is meant. So 7 is never the user '007', and a float from 2**53 on, which may be the
rounding of several integers, is refused. The error names the column, the row and the value: a key
that silently becomes another one would return the features of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from recomart.errors import InvalidKey

if TYPE_CHECKING:
    import pyarrow as pa

HELP = "a key is text, an integer of any type, or a whole float below 2**53"
_MISSING = ("NoneType", "NAType", "NaTType")
"""Types of missing values; by their names, so that a lookup need not import pandas."""


def key_text(value: object) -> str:
    """A key as text: itself, or the digits of a whole number.

    Raises:
        ValueError: it has none; says why.
    """
    if type(value) is str:
        if not value.isascii():
            _check_unicode(value)
        return value
    if isinstance(value, str):
        return key_text(str.__str__(value))
    if isinstance(value, bool | np.bool_):
        raise ValueError("a truth value")
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating | Decimal):
        return _whole(value)
    if is_missing(value):
        raise ValueError("missing")
    raise ValueError(f"of type {type(value).__name__}")


def is_missing(value: object) -> bool:
    """Whether the key is missing: None, or pandas' NA or NaT. NaN is a number, so it is a wrong key."""
    return type(value).__name__ in _MISSING


def _whole(value: float | np.floating[Any] | Decimal) -> str:
    exact = value if isinstance(value, Decimal) else Decimal(float(value))
    if not exact.is_finite():
        raise ValueError("not a finite number")
    if exact != exact.to_integral_value() or (exact != value and not isinstance(value, Decimal)):
        raise ValueError("not a whole number")
    if not isinstance(value, Decimal):
        digits = min(np.finfo(value).nmant, 52) + 1
        if abs(exact) >= 2**digits:
            raise ValueError(f"a float from 2**{digits} on: it may be the rounding of another key")
    return str(int(exact))


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise ValueError("not valid Unicode") from exc


def key_column(values: pa.ChunkedArray, name: str, first_row: int = 0) -> pa.ChunkedArray:
    """A column of keys as text; nulls stay.

    Args:
        name: of the column, for an error.
        first_row: the number of its first row in the frame, for an error.

    Raises:
        InvalidKey: a value is not a key.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_dictionary(kind):
        return key_column(values.cast(kind.value_type), name, first_row)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return values.cast(pa.string())
    if not (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        for row, value in enumerate(values.to_pylist(), first_row):
            if value is not None:
                raise invalid_key(name, f"row {row}", value, ValueError(f"of type {kind}"))
        return pa.chunked_array([pa.nulls(len(values), pa.string())])
    if pa.types.is_float16(kind):  # Arrow computes nothing with it
        halves = [None if value is None else np.float16(value) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(key_texts(halves, name, count(first_row)), pa.string())])
    if pa.types.is_floating(kind):
        limit = 2.0 ** (np.finfo(kind.to_pandas_dtype()).nmant + 1)
        exact = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), limit))
        if pc.all(exact).as_py() is not False:
            return values.cast(pa.int64()).cast(pa.string())
    coded = values.combine_chunks().dictionary_encode()
    floats = pa.types.is_floating(kind)  # as numpy's, since a float32 must stay one
    distinct = coded.dictionary.to_numpy() if floats else coded.dictionary.to_pylist()
    texts = []
    for code, value in enumerate(distinct):
        try:
            texts.append(key_text(value))
        except ValueError as exc:
            row = first_row + pc.index(coded.indices, code).as_py()
            raise invalid_key(name, f"row {row}", value, exc) from exc
    return pa.chunked_array([pa.array(texts, pa.string()).take(coded.indices)])


def key_texts(
    values: Iterable[object], name: str, rows: Iterable[int] | None = None
) -> list[str | None]:
    """The keys of a column of Python objects as text; None where one is missing.

    Args:
        rows: their numbers in the frame; by default from 0 on.

    Raises:
        InvalidKey: a value is not a key.
    """
    texts: list[str | None] = []
    for row, value in zip(count() if rows is None else rows, values, strict=False):
        try:
            texts.append(None if is_missing(value) else key_text(value))
        except ValueError as exc:
            raise invalid_key(name, f"row {row}", value, exc) from exc
    return texts


def invalid_key(
    name: str, place: str, value: object, reason: ValueError, *, where: str | None = None
) -> InvalidKey:
    """The error for a value that is not a key.

    Args:
        place: which row of a frame, or which key of a lookup, counted from 0.
        where: the feature view.
    """
    return InvalidKey(
        f"{name} in {place} (from 0) cannot be used as a key: {reason}",
        where=where,
        found=repr(value)[:100],
        help=HELP,
    )
