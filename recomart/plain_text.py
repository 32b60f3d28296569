"""Texts from data made harmless for a terminal: one line, everything visible, no longer than asked.

What a shop receives may hold terminal escapes, line breaks or right-to-left overrides, which would
forge or hide what is printed beside them. Markup of a library (`[red]`) is not for this module:
print the result as plain text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MARKS_IN_A_ROW = 2
"""More combining marks than this on one letter would grow over the lines above."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_MARKS = ("Mn", "Me")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def one_line(text: object, width: int = 80) -> str:
    """The text on one line of at most `width` columns, its unseen characters as escapes.

    A text that is too long ends in "…"; an escape is never cut in two. Backslashes are doubled,
    so that an escape that was in the data cannot be taken for one of ours.
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
    """Each character of a text, or the escape that stands for it; backslashes are doubled."""
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if character in _SHORT:
            yield _SHORT[character]
        else:
            yield _code(character) if marks > MARKS_IN_A_ROW else visible(character)


def visible(character: str) -> str:
    """The character, or an escape when it cannot be seen."""
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
