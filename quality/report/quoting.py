"""Texts from data made harmless: always in quotes, on one line, visible throughout, and short.

What a shop receives may hold markup, terminal escapes, right-to-left overrides or a sentence that
looks like ours. Inside quotes, with nothing invisible and no line of its own, it can only be read
as what it is.
"""

from __future__ import annotations

import unicodedata

MARKS_IN_A_ROW = 2
"""More combining marks than this on one letter would grow over the lines above."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def quoted(text: object, limit: int = 60, length: int | None = None) -> str:
    """A text from data between double quotes, its unseen characters as escapes.

    Args:
        limit: characters that are shown at most, before escaping.
        length: of the whole text, when `text` is only its beginning.
    """
    whole = str(text)
    length = max(length or 0, len(whole))
    shown = f'"{_escaped(whole[:limit])}"'
    return shown if length <= limit else f"{shown}… ({length:,} characters)"


def plain(text: object, limit: int = 300) -> str:
    """A text of the shop's own people or of our tools, on one line, unseen characters escaped."""
    words = " ".join(str(text).split())
    shown = "".join(_visible(c) for c in words[:limit])
    return shown if len(words) <= limit else shown + "…"


def _escaped(text: str) -> str:
    shown, marks = [], 0
    for character in text:
        is_mark = unicodedata.category(character) in ("Mn", "Me")
        marks = marks + 1 if is_mark else 0
        if character in _SHORT:
            shown.append(_SHORT[character])
        elif marks > MARKS_IN_A_ROW:
            shown.append(_code(character))
        else:
            shown.append(_visible(character))
    return "".join(shown)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _UNSEEN or (category == "Zs" and character != " "):
        return _code(character)
    return character


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
