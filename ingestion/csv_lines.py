"""Delimited text to batches of records, every physical line accounted for.

A line ends with LF, CRLF or CR. A field that begins with the quote ends at the quote's close, may
hold line ends and doubled quotes; a quote anywhere else is text. Line ends inside quotes make
continuation lines. A record that does not parse is rejected by its first line alone and reading
resumes at the next line, so that an unclosed quote costs one line and not the rest of the file.

Whole blocks are parsed at once (pyarrow, after a look at line ends, quotes, NUL and UTF-8). Only a
block that is not well formed is taken apart, first by vectors of positions, at last record by
record. DuckDB's own reader is not used: it cannot number records in parallel, gives one bad line
several reject rows, and loses what follows an unclosed quote.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ingestion.records import Tally

RECORD_BYTES = 1 << 20
"""A record longer than this counts as broken: a quote that never closes, or no text at all."""

_STAND_IN = b"\x1f"  # for a delimiter of several bytes: as long as it, and never in text
_FILLER = b"\x1e"


@dataclass(frozen=True)
class Dialect:
    """How the fields of a line are told apart. `quote` is empty for none."""

    delimiter: bytes
    quote: bytes
    width: int

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
    """The text at this place is no record; the argument says why."""


def counted_lines(pieces: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    """Pass text on, counting physical lines apart from whatever is made of them."""
    last = b"\n"
    for piece in pieces:
        if piece:
            tally.lines += piece.count(b"\n")
            if b"\r" in piece:
                tally.lines += piece.count(b"\r") - piece.count(b"\r\n")
            if last == b"\r" and piece.startswith(b"\n"):
                tally.lines -= 1
            last = piece[-1:]
            yield piece
    tally.lines += last not in (b"\n", b"\r")


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
            fields.append(match[1].replace(dialect.quote * 2, dialect.quote))
        else:
            match = plain.match(text, at, limit)
            assert match is not None, "the pattern of a plain field takes the empty string"
            fields.append(match[0])
        at = match.end()
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


_compiled: dict[Dialect, tuple[re.Pattern[bytes], re.Pattern[bytes]]] = {}


def _patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    if dialect not in _compiled:
        quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
        quoted = quote + b"((?:[^" + quote + b"]++|" + quote * 2 + b")*+)" + quote
        plain = b"(?:(?!" + delimiter + b")[^\r\n])*+"
        if len(dialect.delimiter) == 1:
            plain = b"[^\r\n" + delimiter + b"]*+"
        _compiled[dialect] = re.compile(quoted), re.compile(plain)
    return _compiled[dialect]


class CsvReader:
    """Reads one file's text; `tally` is complete when the iteration has ended."""

    def __init__(self, dialect: Dialect, tally: Tally, *, header: bool) -> None:
        self._dialect = dialect
        self._tally = tally
        self._header_due = header
        self._line = 1
        self._offset = 0
        self._skipping = False

    def batches(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """Batches with the columns of `Dialect.schema`, in the file's order."""
        rest = b""
        for piece in counted_lines(pieces, self._tally):
            rest = yield from self._read(rest + piece, final=False)
        while rest:
            rest = yield from self._read(rest, final=True)

    def _read(self, text: bytes, *, final: bool) -> Generator[pa.RecordBatch, None, bytes]:
        if self._skipping:
            text = self._skip(text)
        if self._header_due:
            text = self._take_header(text, final)
            if self._header_due:
                return text
        block, quoted_breaks = self._whole_records(text)
        if block:
            batch = self._at_once(block, quoted_breaks)
            if batch is None:
                batch = self._by_vectors(block, quoted_breaks)
            if batch is not None:
                yield batch
                return text[len(block) :]
        batch, taken = self._one_by_one(text, final)
        yield batch
        return text[taken:]

    def _whole_records(self, text: bytes) -> tuple[bytes, int]:
        """The longest head of `text` that ends between records if its quotes are well formed, and
        how many line ends its quotes hold. Empty when quotes are not, or it needs a closer look.
        """
        end = text.rfind(b"\n") + 1
        quote = self._dialect.quote
        if not quote or quote not in text:
            return text[:end], 0
        if len(self._dialect.delimiter) > 1:
            return b"", 0
        raw = np.frombuffer(text, np.uint8)
        quotes = np.flatnonzero(raw == quote[0])
        breaks = np.flatnonzero(raw == 10)
        free = np.searchsorted(quotes, breaks) % 2 == 0
        if not free.any():
            return b"", 0
        end = int(breaks[free][-1]) + 1
        quotes = quotes[quotes < end]
        opening, closing = quotes[0::2], quotes[1::2]
        allowed = np.zeros(256, bool)
        allowed[[10, self._dialect.delimiter[0]]] = True
        before = allowed[raw[opening - 1]] | (opening == 0)
        before[1:] |= opening[1:] == closing[:-1] + 1
        allowed[13] = True
        after = allowed[raw[closing + 1]]
        after[:-1] |= opening[1:] == closing[:-1] + 1
        if not (before.all() and after.all()):
            return b"", 0
        return text[:end], int(np.count_nonzero(~free[breaks < end]))

    def _at_once(self, block: bytes, quoted_breaks: int) -> pa.RecordBatch | None:
        """The batch of a block without any fault, else None."""
        if b"\r" in block:
            if block.count(b"\r") != block.count(b"\r\n") or b"\n\r" in block:
                return None
            if block.startswith(b"\r"):
                return None
        if b"\n\n" in block or block.startswith(b"\n") or b"\0" in block or not _is_utf8(block):
            return None
        lines = block.count(b"\n")
        table = self._parsed(block, quoted_breaks)
        if table is None or table.num_rows != lines - quoted_breaks:
            return None
        self._tally.continuation += quoted_breaks
        self._moved(lines, len(block))
        return self._numbered(table.columns)

    def _parsed(self, block: bytes, quoted_breaks: int) -> pa.Table | None:
        dialect = self._dialect
        delimiter = dialect.delimiter
        if len(delimiter) > 1:
            if _STAND_IN in block:
                return None
            block, delimiter = block.replace(delimiter, _STAND_IN), _STAND_IN
        try:
            return pyarrow.csv.read_csv(
                pa.BufferReader(block),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=dialect.names, use_threads=False, block_size=len(block) + 1
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=delimiter.decode(),
                    quote_char=dialect.quote.decode() or False,
                    newlines_in_values=quoted_breaks > 0,
                    ignore_empty_lines=False,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(dialect.names, pa.string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=[""],
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return None

    def _by_vectors(self, block: bytes, quoted_breaks: int) -> pa.RecordBatch | None:
        """The batch of a block whose faults are blank lines and whole lines to reject, else None."""
        dialect = self._dialect
        if quoted_breaks or block.count(b"\r") != block.count(b"\r\n"):
            return None
        text = block
        if len(dialect.delimiter) > 1:
            if _STAND_IN in block or _FILLER in block:
                return None
            stand_in = _STAND_IN + _FILLER * (len(dialect.delimiter) - 1)
            text = block.replace(dialect.delimiter, stand_in)
        raw = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(raw == 10)
        starts = np.concatenate(([0], ends[:-1] + 1))
        delimiter = (_STAND_IN if len(dialect.delimiter) > 1 else dialect.delimiter)[0]
        commas = np.flatnonzero(raw == delimiter)
        if dialect.quote and dialect.quote in block:
            quotes = np.flatnonzero(raw == dialect.quote[0])
            commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
        widths = np.diff(np.searchsorted(commas, ends), prepend=0) + 1
        blank = (ends == starts) | ((ends == starts + 1) & (raw[starts] == 13))
        bad = (widths != dialect.width) & ~blank
        for at in np.flatnonzero(raw == 0):
            bad[np.searchsorted(ends, at)] = True
        if not _is_utf8(block):
            high = np.unique(np.searchsorted(ends, np.flatnonzero(raw >= 0x80)))
            bad[[i for i in high if not _is_utf8(block[starts[i] : ends[i]])]] = True
        kept = ~(bad | blank)
        lengths = ends - starts + 1
        table = self._parsed(raw_bytes(block, np.repeat(kept, lengths)), 0) if kept.any() else None
        if kept.any() and (table is None or table.num_rows != np.count_nonzero(kept)):
            return None
        for i in np.flatnonzero(bad):
            line = block[starts[i] : ends[i] + 1]
            reason = _fault(line) or _width_fault(int(widths[i]), dialect.width)
            self._tally.reject(
                self._line + int(i), self._offset + int(starts[i]), reason or "", line
            )
        self._tally.blank += int(np.count_nonzero(blank))
        self._moved(len(ends), len(block))
        return self._numbered(table.columns if table is not None else self._none())

    def _one_by_one(self, text: bytes, final: bool) -> tuple[pa.RecordBatch, int]:
        """The records of a text with any fault, and how many bytes of it they took."""
        dialect, tally = self._dialect, self._tally
        records: list[list[bytes]] = []
        at = 0
        while at < len(text):
            after = _line_end(text, at, final)
            if after is None:
                if len(text) - at > RECORD_BYTES:
                    self._reject(text[at:], f"longer than {RECORD_BYTES:,} bytes", at)
                    self._skipping = True
                    at = len(text)
                break
            if not text[at:after].strip(b"\r\n"):
                tally.blank += 1
                self._line += 1
                at = after
                continue
            try:
                fields, end = record_at(text, at, dialect, final)
                if fault := _fault(text[at:end]) or _width_fault(len(fields), dialect.width):
                    raise Broken(fault)
            except Incomplete:
                break
            except Broken as broken:
                self._reject(text[at:after], str(broken), at)
                self._line += 1
                at = after
                continue
            lines = _count_lines(text[at:end])
            tally.continuation += lines - 1
            self._line += lines
            records.append(fields)
            at = end
        self._offset += at
        columns = [
            pa.array([field.decode() or None for field in column], pa.string())
            for column in zip(*records, strict=True)
        ]
        return self._numbered(columns or self._none()), at

    def _reject(self, raw: bytes, reason: str, at: int) -> None:
        self._tally.reject(self._line, self._offset + at, reason, raw)

    def _skip(self, text: bytes) -> bytes:
        """Drop the rest of a line that was too long."""
        match = re.search(rb"\r\n|\n|\r(?!\Z)", text)
        end = match.end() if match else len(text)
        self._skipping = match is None
        self._moved(1 if match else 0, end)
        return text[end:]

    def _take_header(self, text: bytes, final: bool) -> bytes:
        at = 0
        while (after := _line_end(text, at, final)) and not text[at:after].strip(b"\r\n"):
            self._tally.blank += 1
            self._moved(1, after - at)
            at = after
        try:
            _, end = record_at(text, at, self._dialect, final)
        except Incomplete:
            return text[at:]
        self._tally.header = _count_lines(text[at:end])
        self._moved(self._tally.header, end - at)
        self._header_due = False
        return text[end:]

    def _moved(self, lines: int, size: int) -> None:
        self._line += lines
        self._offset += size

    def _none(self) -> list[pa.Array]:
        return [pa.array([], pa.string()) for _ in self._dialect.names]

    def _numbered(self, columns: list) -> pa.RecordBatch:
        first = self._tally.records + 1
        self._tally.records += len(columns[0])
        numbers = pa.array(np.arange(first, self._tally.records + 1))
        flat = [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns]
        flat = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in flat]
        return pa.record_batch([*flat, numbers], schema=self._dialect.schema)


def raw_bytes(block: bytes, kept: np.ndarray) -> bytes:
    """The bytes of `block` where `kept` is true."""
    return np.frombuffer(block, np.uint8)[kept].tobytes()


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _fault(raw: bytes) -> str | None:
    if b"\0" in raw:
        return "NUL byte"
    return None if _is_utf8(raw) else "bytes that are not in the declared encoding"


def _width_fault(found: int, expected: int) -> str | None:
    return None if found == expected else f"{found} fields, expected {expected}"


def _line_end(text: bytes, start: int, final: bool) -> int | None:
    """Where the line after the one at `start` begins; None when its end is not in `text`."""
    match = _LINE_END.search(text, start)
    if match is None:
        return len(text) if final else None
    if match.end() == len(text) and match[0] == b"\r" and not final:
        return None
    return match.end()


_LINE_END = re.compile(rb"\r\n|\n|\r")


def _count_lines(text: bytes) -> int:
    return len(_LINE_END.findall(text)) + (not text.endswith((b"\n", b"\r")))
