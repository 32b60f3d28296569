"""Changes of a value that make a column fit: a price with a currency sign, a category in a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from onboarding.values import Column

_SIGN = r"(?:[A-Z]{1,3}\s?)?[$€£¥₹₩₽₺฿]|[A-Z]{3}"
_PRICE = rf"^\s*(?:(?:{_SIGN})\s?[-+]?\d[\d.,' ]*|[-+]?\d[\d.,' ]*\s?(?:{_SIGN}))\s*$"
"""A number with a currency sign, or a code, before or after it."""
MOSTLY = 0.8
SEPARATORS = ("|", " > ", ">", ";")
MOST_SPECIFIC = 0.5
"""An element that is another one in more than this share of the records is no category."""


def number_in(column: Column) -> tuple[Column, Mapping[str, Any]] | None:
    """The numbers of a column whose values have currency signs, and how to read them.

    Returns:
        The column without the signs, and the keys of the change; None if it has no such values.
    """
    if not column.filled or column.numbers.share >= MOSTLY:
        return None
    values = column.values.drop_null()
    signed = pc.match_substring_regex(values, _PRICE)
    if (pc.mean(pc.cast(signed, pa.int8())).as_py() or 0.0) < MOSTLY:
        return None
    plain = Column(column.name, pc.replace_substring_regex(values, r"[^\d.,+-]", ""))
    return plain, {"number": plain.numbers.decimal or True}


def element_of(column: Column) -> tuple[Column, Mapping[str, Any]] | None:
    """One element of a column whose values are lists or have several parts, and how to take it.

    The last is the most specific; if it is nearly another one in each record, the first is taken.
    """
    most = [value for value, _ in column.most]
    if not most:
        return None
    change: dict[str, Any] = {}
    parts: list[list[str]]
    if sum(value.startswith('["') for value in most) >= MOSTLY * len(most):
        parts = [_strings(value) for value in column.distinct]
        order = ("last", "first")
    else:
        sign = next((s for s in SEPARATORS if 3 * sum(s in v for v in most) >= len(most)), None)
        if sign is None:
            return None
        change["split"] = sign
        parts = [value.split(sign) for value in column.distinct]
        order = ("last", "first") if ">" in sign else ("first", "last")
    for element in order:
        taken = {(part[-1] if element == "last" else part[0]) for part in parts if part}
        if len(taken) <= MOST_SPECIFIC * len(column.values):
            return Column(column.name, _array(taken)), {**change, "element": element}
    return None


def _strings(listed: str) -> list[str]:
    return re.findall(r'"((?:[^"\\]|\\.)*)"', listed)


def _array(values: set[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(sorted(values), pa.string())])
