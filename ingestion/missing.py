"""Words that exports write for a missing value, such as NULL: they are read as missing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from recomart.shop.entities import SCHEMA
from recomart.shop.model import Source
from recomart.sql import literal

NO_VALUE = ("NULL", "null", "\\N", "N/A", "n/a", "#N/A", "<NA>", "(null)")
"""What no shop calls anything."""
NOT_A_NUMBER = ("NaN", "nan")
"""In a column of numbers, this is the result of a calculation that went wrong: the row is quarantined."""
NO_ID_OR_NUMBER = ("None", "none", "NA", "na", "nil", "NaT", "undefined", "-", "--")
"""What is a value in some texts, as NA is Namibia, but not an id, a number or a time."""


def words(entity: str, column: str, source: Source) -> tuple[str, ...]:
    """The texts of a source that are missing values of one of our columns."""
    declared = source.columns.get(column)
    meant = (declared.values or {}) if declared is not None else {}
    return tuple(word for word in _words(entity, column, source) if word not in meant)


def _words(entity: str, column: str, source: Source) -> tuple[str, ...]:
    if source.missing is not None:
        return source.missing
    of = SCHEMA[entity].by_name[column]
    found = NO_VALUE if of.type in ("number", "integer") else NO_VALUE + NOT_A_NUMBER
    return found if of.type == "text" and not of.is_id else found + NO_ID_OR_NUMBER


def words_of(source: Source) -> tuple[str, ...]:
    """The texts of a source that are missing values in whichever column they are."""
    return source.missing if source.missing is not None else NO_VALUE


def without(text: str, words: Collection[str]) -> str:
    """SQL of a text; null where it is one of some words."""
    if not words:
        return text
    return f"case when {text} not in ({', '.join(map(literal, words))}) then {text} end"


def version() -> str:
    """A hash of the words that are missing where a shop file names none.

    It is part of the fingerprint of such a source: with other words, the same bytes become other rows.
    """
    return hashlib.sha256(repr((NO_VALUE, NOT_A_NUMBER, NO_ID_OR_NUMBER)).encode()).hexdigest()[:8]
