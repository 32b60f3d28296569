"""Texts from data made harmless for a terminal: one line, everything visible, no longer than asked.

What a shop receives may hold terminal escapes, line breaks or right-to-left overrides, which would
forge or hide what is printed beside them. Markup of a library (`[red]`) is not for this module:
print the result as plain text.
"""

from __future__ import annotations

import unicodedata

MARKS_IN_A_ROW = 2
"""More combining marks than this on one letter would grow over the lines above."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def one_line(text: object, width: int = 80) -> str:
    """The text on one line of at most `width` columns, its unseen characters as escapes.

    A text that is too long ends in "…"; an escape is never cut in two. Backslashes are doubled,
    so that an escape that was in the data cannot be taken for one of ours.
    """
    shown: list[str] = []
    used, marks, fits, until = 0, 0, 0, 0
    for character in str(text):
        is_mark = unicodedata.category(character) in ("Mn", "Me")
        marks = marks + 1 if is_mark else 0
        part = _code(character) if marks > MARKS_IN_A_ROW else _visible(character)
        used += 0 if is_mark and part == character else _columns(part)
        shown.append(part)
        if used <= width - 1:
            fits, until = len(shown), used
        if used > width:
            return "".join(shown[:fits]) + ("…" if until < width else "")
    return "".join(shown)


def _visible(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    category = unicodedata.category(character)
    if category in _UNSEEN or (category == "Zs" and character != " "):
        return _code(character)
    return character


def _columns(part: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in part)


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
