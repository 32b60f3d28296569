"""Makes texts from data safe for a terminal: one line, visible characters, limited width.

Data may contain terminal escapes, line breaks or right-to-left overrides, which could forge or hide
other output. This module does not escape the markup of a library (`[red]`): print the result as
plain text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MARKS_IN_A_ROW = 2
"""More combining marks than this on one letter would cover the lines above."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_MARKS = ("Mn", "Me")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def one_line(text: object, width: int = 80) -> str:
    """The text on one line of at most `width` columns, with invisible characters escaped.

    A text that is too long ends in "…", and an escape is never split. Backslashes are doubled, so
    that an escape in the data differs from one that this function made.
    """
    shown: list[str] = []
    used, fits, until = 0, 0, 0
    for part in visible_parts(str(text)):
        used += _columns(part)
        shown.append(part)
        if used <= width - 1:
            fits, until = len(shown), used
        if used > width:
            return "".join(shown[:fits]) + ("…" if until < width else "")
    return "".join(shown)


def visible_parts(text: str) -> Iterator[str]:
    """Each character of a text or its escape; backslashes are doubled."""
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if character in _SHORT:
            yield _SHORT[character]
        else:
            yield _code(character) if marks > MARKS_IN_A_ROW else visible(character)


def visible(character: str) -> str:
    """The character, or an escape if it is invisible."""
    category = unicodedata.category(character)
    if category in _UNSEEN or (category == "Zs" and character != " "):
        return _code(character)
    return character


def _columns(part: str) -> int:
    if unicodedata.category(part[0]) in _MARKS:
        return 0
    return sum(2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in part)


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
