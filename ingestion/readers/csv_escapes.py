"""Backslash escapes of a CSV, as MySQL and MariaDB write them.

An escape sign takes the meaning from the sign after it: a quote, a delimiter or a line end is text.
`\\n`, `\\r`, `\\t`, `\\b` and `\\Z` are the signs that they name, `\\0` is NUL, and a field of just `\\N`
has no value. Before any other sign the escape sign means nothing and is left out.

Source: MySQL 8.4 Reference Manual, 15.2.9, LOAD DATA, "Field and Line Handling".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a", b"0": b"\0"}
_FREE = [bytes([byte]) for byte in range(1, 32) if byte not in b"\t\n\r\b\x1a"]
"""Signs that text does not have, to be written in the place of others."""


@dataclass(frozen=True)
class Escapes:
    """The escapes of one dialect.

    Args:
        sign: the escape sign, one byte.
        quote: empty where there are no quotes.
    """

    sign: bytes
    quote: bytes
    delimiter: bytes

    @cached_property
    def _escape(self) -> re.Pattern[bytes]:
        return re.compile(re.escape(self.sign) + rb"(\r\n|.)", re.DOTALL)

    @cached_property
    def _quoted(self) -> re.Pattern[bytes]:
        doubled = re.escape(self.quote * 2) if self.quote else b"(?!)"
        return re.compile(doubled + b"|" + re.escape(self.sign) + rb"(\r\n|.)", re.DOTALL)

    def text_of(self, field: bytes, *, quoted: bool) -> bytes:
        """The value of a field, which is without its quotes. Empty for none."""
        if field == self.sign + b"N":
            return b""
        pattern = self._quoted if quoted else self._escape
        return pattern.sub(
            lambda match: _NAMED.get(match[1], match[1]) if match[1] else self.quote, field
        )

    def hidden(self, text: bytes) -> HiddenEscapes | None:
        """The text with stand-ins for what is escaped, each sign in its place; None for a text that
        has no sign left to write in their place.

        Args:
            text: begins with a record.
        """
        free = [sign for sign in _FREE if sign not in text]
        if len(self.delimiter) > 1 or len(free) < 10:
            return None
        filler = free.pop()
        codes: dict[bytes, bytes] = {}
        breaks: list[int] = []

        def stand_in(sign: bytes) -> bytes:
            if sign not in codes:
                codes[sign] = free.pop()
            return codes[sign]

        special = {*_NAMED, b"N", self.sign, self.quote, self.delimiter, b"\n", b"\r"} - {b""}

        def written(match: re.Match[bytes]) -> bytes:
            sign = match[1]
            if sign[:1] in (b"\r", b"\n"):
                breaks.append(match.start())
            if sign == b"\r\n":
                return stand_in(b"\r") + stand_in(b"\n") + filler
            if sign in special:
                return stand_in(_NAMED.get(sign, sign)) + filler
            return filler + sign

        if re.search(re.escape(self.sign) + b"0", text):
            return None
        return HiddenEscapes(self._escape.sub(written, text), codes, filler, tuple(breaks))


@dataclass(frozen=True)
class HiddenEscapes:
    """A text without escapes that has as many bytes as the one with them.

    Args:
        codes: the escaped sign -> the sign that replaces it in `text`.
        filler: a sign that occurs in no value.
        breaks: the places of the line ends that are part of a value, because they are escaped.
    """

    text: bytes
    codes: dict[bytes, bytes]
    filler: bytes
    breaks: tuple[int, ...]

    def breaks_before(self, end: int) -> int:
        """How many escaped line ends there are before a place."""
        return sum(at < end for at in self.breaks)

    def restored(self, column: pa.Array) -> pa.Array:
        """The values of a column as they are meant."""
        column = pc.replace_substring(column, self.filler.decode(), "")
        if b"N" in self.codes:
            is_missing = pc.equal(column, self.codes[b"N"].decode())
            column = pc.if_else(is_missing, pa.scalar(None, pa.string()), column)
        for sign, code in self.codes.items():
            column = pc.replace_substring(column, code.decode(), sign.decode())
        return column
