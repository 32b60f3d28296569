"""Delimited text to batches of records, every physical line accounted for.

Line ends inside quotes make continuation lines. If a record does not parse, only its first line is
rejected, and reading resumes at the next line. So an unclosed quote costs one line, not the rest of
the file.

Whole blocks are parsed at once by pyarrow, after their line ends, quotes, NUL bytes and UTF-8 were
checked. A block that is not well formed is read in two slower ways: by vectors of positions, and if
that fails, record by record.

The accounting is our own code because no library keeps it. pyarrow's reader gives no line numbers,
neither of records nor of lines that it skips. DuckDB's `read_csv` (1.5) drops blank lines without
counting them, gives one bad line several reject rows whose line can be off by one, loses what follows
an unclosed quote as one reject, passes NUL bytes, and fails on files with mixed line ends.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sized
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ingestion.readers.csv_escapes import HiddenEscapes
from ingestion.readers.csv_records import (
    RECORD_BYTES,
    Broken,
    Dialect,
    Incomplete,
    count_lines,
    counted_lines,
    empty_lines,
    fault,
    is_utf8,
    line_end,
    record_at,
    width_fault,
)
from ingestion.readers.records import LineCounts

_STAND_IN = b"\x1f"  # for a delimiter of several bytes: as long as it, and never in text
_FILLER = b"\x1e"


class CsvReader:
    """Reads one file's text; `counts` is complete when the iteration has ended."""

    def __init__(
        self, dialect: Dialect, counts: LineCounts, *, header: bool, lines_above: int = 0
    ) -> None:
        """`lines_above` lines of the file come before its table; they count as header."""
        self._lines_above = lines_above
        self._dialect = dialect
        self._counts = counts
        self._header_due = header
        self._line = 1
        self._offset = 0
        self._skipping = False

    def batches(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """Batches with the columns of `Dialect.schema`, in the file's order."""
        rest = b""
        for piece in counted_lines(pieces, self._counts):
            rest = yield from self._read(rest + piece, final=False)
        while rest:
            rest = yield from self._read(rest, final=True)

    def _read(self, text: bytes, *, final: bool) -> Generator[pa.RecordBatch, None, bytes]:
        if self._skipping:
            text = self._skip(text)
        if self._lines_above:
            text = self._skip_above(text, final)
            if self._lines_above:
                return text
        if self._header_due:
            text = self._take_header(text, final)
            if self._header_due:
                return text
        escapes, hidden = self._dialect.escapes, None
        if escapes is not None and self._dialect.escape in text:
            hidden = escapes.hidden(text)
            block, quoted_breaks = self._whole_records(hidden.text) if hidden else (b"", 0)
        else:
            block, quoted_breaks = self._whole_records(text)
        if block:
            batch = self._at_once(block, quoted_breaks, hidden)
            if batch is None and hidden is None:
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

    def _at_once(
        self, block: bytes, quoted_breaks: int, hidden: HiddenEscapes | None = None
    ) -> pa.RecordBatch | None:
        """The batch of a block without any fault, else None."""
        if b"\r" in block:
            if block.count(b"\r") != block.count(b"\r\n") or b"\n\r" in block:
                return None
            if block.startswith(b"\r"):
                return None
        if b"\n\n" in block or block.startswith(b"\n") or b"\0" in block or not is_utf8(block):
            return None
        lines = block.count(b"\n")
        table = self._parsed(block, quoted_breaks)
        if table is None or table.num_rows != lines - quoted_breaks:
            return None
        columns = table.columns
        if hidden is not None:
            columns = [hidden.restored(column.combine_chunks()) for column in columns]
            escaped_breaks = hidden.breaks_before(len(block))
            quoted_breaks += escaped_breaks
            lines += escaped_breaks
        self._counts.continuation += quoted_breaks
        self._moved(lines, len(block))
        return self._numbered(columns)

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
        if not is_utf8(block):
            high = np.unique(np.searchsorted(ends, np.flatnonzero(raw >= 0x80)))
            bad[[i for i in high if not is_utf8(block[starts[i] : ends[i]])]] = True
        kept = ~(bad | blank)
        lengths = ends - starts + 1
        table = self._parsed(raw_bytes(block, np.repeat(kept, lengths)), 0) if kept.any() else None
        if kept.any() and (table is None or table.num_rows != np.count_nonzero(kept)):
            return None
        kept_so_far = np.cumsum(kept)
        for i in np.flatnonzero(bad):
            line = block[starts[i] : ends[i] + 1]
            reason = fault(line) or width_fault(int(widths[i]), dialect.width)
            self._counts.reject(
                self._line + int(i),
                self._offset + int(starts[i]),
                reason or "",
                line,
                read=int(kept_so_far[i]),
            )
        self._counts.blank += int(np.count_nonzero(blank))
        self._moved(len(ends), len(block))
        return self._numbered(table.columns if table is not None else self._none())

    def _one_by_one(self, text: bytes, final: bool) -> tuple[pa.RecordBatch, int]:
        """The records of a text with any fault, and how many bytes of it they took."""
        dialect, counts = self._dialect, self._counts
        records: list[list[bytes]] = []
        at = 0
        while at < len(text):
            after = line_end(text, at, final)
            if after is None:
                if len(text) - at > RECORD_BYTES:
                    self._reject(text[at:], f"longer than {RECORD_BYTES:,} bytes", at, records)
                    self._skipping = True
                    at = len(text)
                break
            if not text[at:after].strip(b"\r\n"):
                counts.blank += 1
                self._line += 1
                at = after
                continue
            try:
                fields, end = record_at(text, at, dialect, final)
                if wrong := fault(text[at:end]) or width_fault(len(fields), dialect.width):
                    raise Broken(wrong)
            except Incomplete:
                break
            except Broken as broken:
                self._reject(text[at:after], str(broken), at, records)
                self._line += 1
                at = after
                continue
            lines = count_lines(text[at:end])
            counts.continuation += lines - 1
            self._line += lines
            records.append(fields)
            at = end
        self._offset += at
        columns = [
            pa.array([field.decode() or None for field in column], pa.string())
            for column in zip(*records, strict=True)
        ]
        return self._numbered(columns or self._none()), at

    def _reject(self, raw: bytes, reason: str, at: int, records: Sized) -> None:
        self._counts.reject(self._line, self._offset + at, reason, raw, read=len(records))

    def _skip(self, text: bytes) -> bytes:
        """Drop the rest of a line that was too long."""
        match = re.search(rb"\r\n|\n|\r(?!\Z)", text)
        end = match.end() if match else len(text)
        self._skipping = match is None
        self._moved(1 if match else 0, end)
        return text[end:]

    def _skip_above(self, text: bytes, final: bool) -> bytes:
        """Drop the lines above the table."""
        at = 0
        while self._lines_above and at < len(text):
            after = line_end(text, at, final)
            if after is None:
                if len(text) - at > RECORD_BYTES:  # its end may be gigabytes away
                    keep = text.endswith(b"\r")
                    self._moved(0, len(text) - at - keep)
                    return text[-1:] if keep else b""
                break
            self._counts.header += 1
            self._lines_above -= 1
            self._moved(1, after - at)
            at = after
        return text[at:]

    def _take_header(self, text: bytes, final: bool) -> bytes:
        at, lines = empty_lines(text, self._dialect, final=final)
        self._counts.blank += lines
        self._moved(lines, at)
        if at == len(text):
            return b""
        try:
            _, end = record_at(text, at, self._dialect, final)
        except Incomplete:
            return text[at:]
        lines = count_lines(text[at:end])
        self._counts.header += lines
        self._moved(lines, end - at)
        self._header_due = False
        return text[end:]

    def _moved(self, lines: int, size: int) -> None:
        self._line += lines
        self._offset += size

    def _none(self) -> list[pa.Array]:
        return [pa.array([], pa.string()) for _ in self._dialect.names]

    def _numbered(self, columns: list) -> pa.RecordBatch:
        """The batch of some records, without those that have no value: these count as blank lines,
        as a spreadsheet saves empty rows as lines of delimiters."""
        flat = [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns]
        flat = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in flat]
        size = len(flat[0])
        if size and all(column.null_count for column in flat):
            filled = reduce(pc.or_, map(pc.is_valid, flat))
            flat = [column.filter(filled) for column in flat]
        self._counts.blank += size - len(flat[0])
        first = self._counts.records + 1
        self._counts.records += len(flat[0])
        numbers = pa.array(np.arange(first, self._counts.records + 1))
        return pa.record_batch([*flat, numbers], schema=self._dialect.schema)


def raw_bytes(block: bytes, kept: np.ndarray) -> bytes:
    """The bytes of `block` where `kept` is true."""
    return np.frombuffer(block, np.uint8)[kept].tobytes()
