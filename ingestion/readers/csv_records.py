"""One delimited record at a time: exact and slow. This module defines what a record is.

A line ends with LF, CRLF or CR. A field that begins with the quote ends at the quote's close, may
hold line ends and doubled quotes; a quote anywhere else is text. With an escape sign, `csv_escapes`
says what the sign after it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from ingestion.readers.csv_escapes import Escapes
from ingestion.readers.records import LineCounts

RECORD_BYTES = 1 << 20
"""A record longer than this counts as broken: a quote that never closes, or a binary file."""


@dataclass(frozen=True)
class Dialect:
    """How a line is split into fields. `quote` and `escape` are empty for none."""

    delimiter: bytes
    quote: bytes
    width: int
    escape: bytes = b""

    @cached_property
    def escapes(self) -> Escapes | None:
        """What the escape sign means, if there is one."""
        return Escapes(self.escape, self.quote, self.delimiter) if self.escape else None

    @property
    def names(self) -> list[str]:
        """Positional column names c0, c1, ...: the source's own need not be unique or plain."""
        return [f"c{i}" for i in range(self.width)]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*((n, pa.string()) for n in self.names), ("_record", pa.int64())])


class Incomplete(Exception):
    """The record may go on in the next piece."""


class Broken(Exception):
    """The text at this place is not a record; the argument says why."""


def counted_lines(pieces: Iterator[bytes], counts: LineCounts) -> Iterator[bytes]:
    """Pass text on, counting physical lines independently of what is made of them."""
    last = b"\n"
    for piece in pieces:
        if piece:
            counts.lines += piece.count(b"\n")
            if b"\r" in piece:
                counts.lines += piece.count(b"\r") - piece.count(b"\r\n")
            if last == b"\r" and piece.startswith(b"\n"):
                counts.lines -= 1
            last = piece[-1:]
            yield piece
    counts.lines += last not in (b"\n", b"\r")


def record_at(text: bytes, start: int, dialect: Dialect, final: bool) -> tuple[list[bytes], int]:
    """The fields of the record at `start`, and where the next one starts.

    Raises:
        Incomplete: `text` ends before the record surely does; never when `final`.
        Broken: quotes that do not close, or text after a closing quote.
    """
    fields: list[bytes] = []
    limit = min(len(text), start + RECORD_BYTES)
    cut_short = limit < len(text) or final
    quoted, plain = _patterns(dialect)
    at = start
    while True:
        if dialect.quote and text.startswith(dialect.quote, at):
            match = quoted.match(text, at, limit)
            if match is None:
                if cut_short:
                    raise Broken("unclosed quote")
                raise Incomplete
            fields.append(_value(match[1], dialect, quoted=True))
        else:
            match = plain.match(text, at, limit)
            assert match is not None, "the pattern of a plain field takes the empty string"
            fields.append(_value(match[0], dialect, quoted=False))
        at = match.end()
        if dialect.escape and text.startswith(dialect.escape, at) and limit == len(text):
            if not final:
                raise Incomplete
            raise Broken("the escape sign is its last sign")
        if at >= limit and limit == len(text):
            if final:
                return fields, at
            raise Incomplete
        if text.startswith(dialect.delimiter, at):
            at += len(dialect.delimiter)
        elif text.startswith(b"\r", at):
            if at + 1 == len(text) and not final:
                raise Incomplete
            return fields, at + (2 if text.startswith(b"\n", at + 1) else 1)
        elif text.startswith(b"\n", at):
            return fields, at + 1
        elif at >= limit:
            raise Broken(f"longer than {RECORD_BYTES:,} bytes")
        else:
            raise Broken("text after a closing quote")


def _value(field: bytes, dialect: Dialect, *, quoted: bool) -> bytes:
    escapes = dialect.escapes
    if escapes is None or dialect.escape not in field:
        return field.replace(dialect.quote * 2, dialect.quote) if quoted else field
    value = escapes.text_of(field, quoted=quoted)
    if b"\0" in value:
        raise Broken("NUL byte")
    return value


_compiled: dict[Dialect, tuple[re.Pattern[bytes], re.Pattern[bytes]]] = {}


def _patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    if dialect not in _compiled:
        quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
        escape = re.escape(dialect.escape)
        escaped = b"|" + escape + rb"(?:\r\n|.)" if escape else b""
        inside = b"[^" + quote + escape + b"]++|" + quote * 2 + escaped
        quoted = quote + b"((?:" + inside + b")*+)" + quote if quote else b"(?!)"
        plain = b"(?:(?!" + delimiter + b")[^\r\n" + escape + b"]" + escaped + b")*+"
        if len(dialect.delimiter) == 1:
            plain = b"(?:[^\r\n" + delimiter + escape + b"]++" + escaped + b")*+"
        _compiled[dialect] = re.compile(quoted, re.DOTALL), re.compile(plain, re.DOTALL)
    return _compiled[dialect]


def is_utf8(text: bytes) -> bool:
    """Whether bytes are UTF-8."""
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def fault(raw: bytes) -> str | None:
    """What is wrong with the bytes of a line, if anything."""
    if b"\0" in raw:
        return "NUL byte"
    return None if is_utf8(raw) else "bytes that are not in the declared encoding"


def width_fault(found: int, expected: int) -> str | None:
    """What is wrong with a record's number of fields, if anything."""
    return None if found == expected else f"{found} fields, expected {expected}"


def line_end(text: bytes, start: int, final: bool) -> int | None:
    """Where the line after the one at `start` begins; None when its end is not in `text`."""
    match = _LINE_END.search(text, start)
    if match is None:
        return len(text) if final else None
    if match.end() == len(text) and match[0] == b"\r" and not final:
        return None
    return match.end()


_LINE_END = re.compile(rb"\r\n|\n|\r")


def empty_lines(text: bytes, dialect: Dialect, *, final: bool) -> tuple[int, int]:
    """The bytes and the lines at the start of `text` that have no sign but delimiters."""
    pattern = b"(?:(?:" + re.escape(dialect.delimiter) + rb")*+(?:\r\n|\n|\r))*+"
    found = re.match(pattern, text)
    end = found.end() if found else 0
    if end == len(text) and text.endswith(b"\r") and not final:
        end -= 1  # the first half of CRLF, perhaps
    lines = text.count(b"\n", 0, end) + text.count(b"\r", 0, end) - text.count(b"\r\n", 0, end)
    return end, lines


def count_lines(text: bytes) -> int:
    """Physical lines of a record."""
    return len(_LINE_END.findall(text)) + (not text.endswith((b"\n", b"\r")))
