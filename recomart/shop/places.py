"""Places in a shop file, for errors: the line of a key, and the nearest known word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def nearest(word: str, known: Iterable[object]) -> str | None:
    """The question whether the known word most like `word` is meant; None when none is close."""
    close = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return f'did you mean "{close[0]}"?' if close else None


def where(path: Path, tree: Any, keys: Sequence[str]) -> str:
    """`path:line   key: value` of the keys, or of as many of them as the file has."""
    node: Any = tree
    line, seen, value = 1, list[str](), None
    for key in keys:
        if key.isdigit() and isinstance(node, dict) and key not in node:
            continue  # one of a list of one, which may be written without its list
        if key.isdigit() and isinstance(node, list) and int(key) < len(node):
            line, node = _line_of_item(node, int(key)), node[int(key)]
            continue
        if not isinstance(node, dict) or key not in node:
            break
        line = _line_of(node, key)
        seen.append(key)
        node = value = node[key]
    place = f"{path}:{line}"
    if not seen:
        return place
    shown = "" if isinstance(value, dict | list) else f" {value!r}"
    return f"{place}   {'.'.join(seen)}:{shown}"


def _line_of(mapping: Any, key: str) -> int:
    """The line, from 1, on which ruamel read `key` of this mapping."""
    return int(mapping.lc.key(key)[0]) + 1


def _line_of_item(items: Any, place: int) -> int:
    """The line, from 1, on which ruamel read an item of this list."""
    return int(items.lc.item(place)[0]) + 1
