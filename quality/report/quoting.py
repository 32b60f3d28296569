"""Texts from data made harmless: in quotes, on one line, with every character visible, and short.

What a shop receives may hold markup, terminal escapes, right-to-left overrides or a sentence that
looks like the report's own. In quotes, with nothing invisible and never on a line by itself, it can
only be read as data.
"""

from __future__ import annotations

from quality.plain_text import visible, visible_parts

MISSING_GLYPH = "\N{WHITE SQUARE}"
"""Drawn for a character that the font lacks."""


def quoted(text: object, limit: int = 60, length: int | None = None) -> str:
    """A text from data between double quotes, its invisible characters as escapes.

    Args:
        limit: the most characters that are shown, counted before escaping.
        length: of the whole text, when `text` is only its beginning.
    """
    whole = str(text)
    length = max(length or 0, len(whole))
    escaped = "".join('\\"' if part == '"' else part for part in visible_parts(whole[:limit]))
    shown = f'"{escaped}"'
    return shown if length <= limit else f"{shown}… ({length:,} characters)"


def plain(text: object, limit: int = 300) -> str:
    """A text of the shop's own people or of a tool, on one line, invisible characters escaped."""
    words = " ".join(str(text).split())
    shown = "".join(visible(c) for c in words[:limit])
    return shown if len(words) <= limit else shown + "…"
