"""Changes of a value that a shop file declares, as SQL: strip, split, element, number, values.

A value that a change does not fit stays as it was received, so that staging judges it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ingestion.currencies import AMBIGUOUS, CODE_OF_SIGN, CODES
from recomart.shop.columns import Column
from recomart.sql import literal

GROUPS = {",": ".' \u00a0\u202f", ".": ",' \u00a0\u202f"}
"""Decimal sign -> the signs that may separate thousands."""

_SPACES = "[\\s\u00a0\u202f]*"
_NAMED = sorted({*CODE_OF_SIGN, *AMBIGUOUS, *CODES}, key=lambda sign: (-len(sign), sign))
_CURRENCY = rf"(?:{'|'.join(map(re.escape, _NAMED))}|\p{{Sc}})"
_PLAIN = (
    r"\d+|\d+\.\d{1,2}|\d+\.\d{4,}|0\.\d+|\d{4,}\.\d+"
    "|\\d{1,3}(?:[' \u00a0\u202f]\\d{3})+(?:\\.\\d+)?"
    r"|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}"
)
"""What can be read in one way only where no decimal sign is declared: 1.299 and 1,299 are not."""


def changed(column: Column, made: str, decimal: str | None) -> str:
    """SQL of a column's value after its changes, in the order in which they are listed.

    Args:
        made: SQL of the value before them.
        decimal: the decimal sign that the source declares.
    """
    value = made
    for name in column.changes:
        value = _CHANGES[name](column, value, made, decimal)
    return f"nullif({value}, '')"


def translated(values: Mapping[str, str], value: str) -> str:
    """SQL that replaces some texts by others."""
    cases = " ".join(f"when {literal(a)} then {literal(b)}" for a, b in values.items())
    return f"case {value} {cases} else {value} end"


def sign_of(place: str, values: Mapping[str, str] | None) -> str:
    """SQL of the currency in a price: the code of its sign, or the sign if it has no code.

    Args:
        values: signs -> codes, where a shop means other currencies than most.
    """
    patterns = rf"^{_SPACES}[-+]?{_SPACES}({_CURRENCY})", rf"\d{_SPACES}({_CURRENCY}){_SPACES}$"
    before, after = (f"regexp_extract({place}, {literal(one)}, 1)" for one in patterns)
    code = f"case when regexp_full_match({after}, '[A-Z]{{3}}') then {after} end"
    sign = f"coalesce({code}, nullif({before}, ''), nullif({after}, ''))"
    return translated({**CODE_OF_SIGN, **(values or {})}, sign)


def _strip(column: Column, value: str, received: str, decimal: str | None) -> str:
    return f"trim({value}, {literal(column.strip or '')})"


def _split(column: Column, value: str, received: str, decimal: str | None) -> str:
    return _picked(column, f"string_split({value}, {literal(column.split or '')})")


def _element(column: Column, value: str, received: str, decimal: str | None) -> str:
    elements = _picked(column, f"try(json_extract_string({value}, '$[*]'))")
    return f"case when try(json_type({value})) = 'ARRAY' then {elements} else {value} end"


def _picked(column: Column, elements: str) -> str:
    if column.element == "all":
        return f"array_to_string(list_filter({elements}, lambda e: e <> ''), ', ')"
    place = {"first": 1, "last": -1}.get(str(column.element), column.element)
    return f"({elements})[{place}]"


def _number(column: Column, value: str, received: str, decimal: str | None) -> str:
    declared = decimal if column.number is True else column.number
    sign = str(declared or ".")
    digits = _PLAIN if declared is None else _grouped(sign)
    pattern = literal(
        f"^{_SPACES}(?:{_CURRENCY}{_SPACES})?([-+]?){_SPACES}(?:{_CURRENCY}{_SPACES})?({digits})"
        f"{_SPACES}{_CURRENCY}?{_SPACES}$"
    )
    found = f"regexp_extract({value}, {pattern}, 2)"
    plain = f"replace(translate({found}, {literal(GROUPS[sign])}, ''), {literal(sign)}, '.')"
    return (
        f"case when regexp_matches({value}, {pattern}) "
        f"then regexp_extract({value}, {pattern}, 1) || {plain} else {received} end"
    )


def _grouped(sign: str) -> str:
    return rf"(?:\d+|\d{{1,3}}(?:[{GROUPS[sign]}]\d{{3}})+)(?:[{sign}]\d+)?"


def _values(column: Column, value: str, received: str, decimal: str | None) -> str:
    return translated(column.values or {}, value)


_CHANGES: dict[str, Callable[[Column, str, str, str | None], str]] = {
    "strip": _strip,
    "split": _split,
    "element": _element,
    "number": _number,
    "values": _values,
}
