"""Texts from data made harmless: always in quotes, on one line, visible throughout, and short.

What a shop receives may hold markup, terminal escapes, right-to-left overrides or a sentence that
looks like ours. Inside quotes, with nothing invisible and no line of its own, it can only be read
as what it is.
"""

from __future__ import annotations

from recomart.plain_text import visible, visible_parts


def quoted(text: object, limit: int = 60, length: int | None = None) -> str:
    """A text from data between double quotes, its unseen characters as escapes.

    Args:
        limit: characters that are shown at most, before escaping.
        length: of the whole text, when `text` is only its beginning.
    """
    whole = str(text)
    length = max(length or 0, len(whole))
    escaped = "".join('\\"' if part == '"' else part for part in visible_parts(whole[:limit]))
    shown = f'"{escaped}"'
    return shown if length <= limit else f"{shown}… ({length:,} characters)"


def plain(text: object, limit: int = 300) -> str:
    """A text of the shop's own people or of our tools, on one line, unseen characters escaped."""
    words = " ".join(str(text).split())
    shown = "".join(visible(c) for c in words[:limit])
    return shown if len(words) <= limit else shown + "…"
