"""Where a JSON text has its brackets, commas, colons and quotes, found for whole blocks at once.

Between the quotes of a string these signs mean nothing. Outside of strings a text has a level: how
many brackets are open. numpy finds all of it at some 100 MB a second; a parser that builds values is
then only needed for the values that are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUOTE, COMMA, COLON, BACKSLASH = b'",:\\'
OPENING, CLOSING = b"{[", b"}]"
DEEPEST = 64
"""Deeper keys are compared by the exact parser."""

_STEP = np.zeros(256, np.int8)
_STEP[list(OPENING)], _STEP[list(CLOSING)] = 1, -1
_WORD = 8
_WORDS = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], np.uint64)
"""Number of bytes -> the mask that keeps that many of a word's bytes."""

Positions = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Marks:
    """The signs of a text outside of its strings, in order.

    Args:
        at: their positions in the text.
        signs: the signs, as bytes.
        levels: how many brackets are open around each; a bracket is not around itself.
        quotes: the positions of the quotes that begin and end strings.
    """

    at: Positions
    signs: NDArray[np.uint8]
    levels: Positions
    quotes: Positions


class Scanner:
    """Finds the marks of a text that comes in pieces, cut anywhere.

    Args:
        sign: the sign to find in addition to brackets: COMMA or COLON.
    """

    def __init__(self, sign: int) -> None:
        marks = {*OPENING, *CLOSING, QUOTE, sign}
        self._is_mark = bytes(byte in marks for byte in range(256))
        self._level = 0
        self._in_string = False
        self._backslash = False
        """Whether the next sign is escaped."""

    def marks(self, piece: bytes) -> Marks:
        """The marks of the next piece; positions count from its beginning."""
        raw = np.frombuffer(piece, np.uint8)
        at = np.flatnonzero(np.frombuffer(piece.translate(self._is_mark), np.bool_))
        signs = raw[at]
        is_quote = signs == QUOTE
        quotes = at[is_quote]
        escaped = self._escaped(piece, raw, quotes)
        if escaped is not None:
            kept = np.ones(len(at), bool)
            kept[np.flatnonzero(is_quote)[escaped]] = False
            at, signs, is_quote = at[kept], signs[kept], is_quote[kept]
            quotes = quotes[~escaped]
        inside = np.logical_xor.accumulate(is_quote)
        outside = np.flatnonzero((inside == self._in_string) & ~is_quote)
        at, signs = at[outside], signs[outside]
        steps = _STEP[signs]
        levels = self._level + np.cumsum(steps, dtype=np.int32)
        self._in_string ^= bool(len(quotes) % 2)
        self._level = int(levels[-1]) if len(levels) else self._level
        return Marks(at, signs, levels - (steps > 0), quotes)

    def _escaped(
        self, piece: bytes, raw: NDArray[np.uint8], quotes: Positions
    ) -> NDArray[np.bool_] | None:
        """Which quotes have an odd number of backslashes before them; None when none has."""
        carried, self._backslash = self._backslash, False
        if not carried and b"\\" not in piece:
            return None
        slashes = np.flatnonzero(raw == BACKSLASH)
        begins = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
        run = np.searchsorted(begins, np.arange(len(slashes)), side="right") - 1
        odd = (
            (np.arange(len(slashes)) - begins[run]) % 2 == 0 if len(slashes) else np.zeros(0, bool)
        )
        if carried and len(slashes) and slashes[0] == 0:
            odd[run == 0] ^= True
        if len(slashes) and slashes[-1] == len(raw) - 1:
            self._backslash = bool(odd[-1])
        elif carried and not len(raw):
            self._backslash = True
        escaped = np.zeros(len(quotes), bool)
        if len(slashes):
            before = np.searchsorted(slashes, quotes - 1)
            before[before == len(slashes)] = 0
            escaped = (slashes[before] == quotes - 1) & odd[before]
        if carried and len(quotes) and quotes[0] == 0:
            escaped[0] = True
        return escaped


def may_repeat_inner_keys(texts: Sequence[bytes]) -> NDArray[np.bool_]:
    """For each JSON object: whether an object inside it may have a key twice.

    Args:
        texts: valid JSON objects. Their own keys are not looked at: DuckDB lists them.

    Returns:
        (texts,) booleans. False is certain; True says that the exact parser has to look.
    """
    found = np.zeros(len(texts), bool)
    block = b"\n".join(texts)
    marks = Scanner(COLON).marks(block)
    is_colon = (marks.signs == COLON) & (marks.levels > 1)
    colons, levels = marks.at[is_colon], marks.levels[is_colon]
    if not len(colons):
        return found
    ends = np.cumsum([len(text) + 1 for text in texts])
    closing = np.searchsorted(marks.quotes, colons) - 1
    starts, stops = marks.quotes[closing - 1] + 1, marks.quotes[closing]
    raw = np.frombuffer(b"\0" * _WORD + block + b"\0" * _WORD, np.uint8)
    hashes = _hashed(raw, starts, stops, _objects(marks, colons, levels))
    order = np.argsort(hashes, kind="stable")
    again = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    doubtful = colons[order[again]]
    # a key may be written with escapes, so that its bytes do not show that it is another's twin
    slashes = np.flatnonzero(np.frombuffer(block, np.uint8) == BACKSLASH) if b"\\" in block else ()
    if len(slashes):
        inside = np.searchsorted(slashes, stops) > np.searchsorted(slashes, starts)
        doubtful = np.concatenate((doubtful, colons[inside]))
    doubtful = np.concatenate((doubtful, colons[levels > DEEPEST]))
    found[np.searchsorted(ends, doubtful, side="right")] = True
    return found


def _objects(marks: Marks, colons: Positions, levels: Positions) -> Positions:
    """For each colon: the position of the bracket that opens its object."""
    is_open = _STEP[marks.signs] > 0
    opens, open_levels = marks.at[is_open], marks.levels[is_open]
    objects = np.zeros(len(colons), np.int64)
    for level in range(2, min(int(levels.max()), DEEPEST) + 1):
        here = levels == level
        around = opens[open_levels == level - 1]
        objects[here] = around[np.searchsorted(around, colons[here]) - 1]
    return objects


def _hashed(
    raw: NDArray[np.uint8], starts: Positions, stops: Positions, objects: Positions
) -> NDArray[np.uint64]:
    """A number for each key: equal for equal keys of one object, otherwise equal by chance.

    Args:
        raw: the text with a word of zeros at each end, so that words at its ends can be read.
        starts, stops: where the keys are in the text.
    """
    words = np.lib.stride_tricks.sliding_window_view(raw, _WORD)
    lengths = stops - starts
    masks = _WORDS[np.minimum(lengths, _WORD)]
    hashes = _mixed(objects.astype(np.uint64), lengths.astype(np.uint64))
    last = np.maximum(lengths - _WORD, 0)
    for place in (starts, starts + last // 2, starts + last):
        word: Any = np.ascontiguousarray(words[place + _WORD]).view("<u8")[:, 0]
        hashes = _mixed(hashes, word & masks)
    return hashes


def _mixed(hashes: NDArray[np.uint64], values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (hashes ^ values) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))
