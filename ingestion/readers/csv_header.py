"""What comes before the records of a CSV: lines above the table, and the names of its columns."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ingestion.readers import csv_records, text
from ingestion.readers.csv_records import RECORD_BYTES, Dialect
from ingestion.readers.text_format import TextFormat
from recomart.errors import SourceError

FIRST_BYTES = 16 << 10
_SEPARATOR = re.compile(rb'"?sep=([^\r\n])"?[ \t,;|]*(?:\r\n|\n|\r)', re.IGNORECASE)


@dataclass(frozen=True)
class Opening:
    """How a CSV begins.

    Args:
        written: how it is written, with the delimiter that it names itself, if it does.
        lines_above: how many of its first lines come before its table.
    """

    written: TextFormat
    lines_above: int = 0


@dataclass(frozen=True)
class HeaderNames:
    """The names in the first record of a CSV, and that record's line.

    Args:
        trailing: whether the record after it has one field more, which is empty: its lines end with
            a delimiter, which the header does not have.
    """

    names: tuple[str, ...] = ()
    line: int = 1
    trailing: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """A name for each column. One without a name is called by its place: unnamed_1."""
        fields = (*self.names, "") if self.trailing else self.names
        return tuple(name or f"unnamed_{place}" for place, name in enumerate(fields, start=1))


def opening(path: Path, written: TextFormat, *, where: str | None = None) -> Opening:
    """How a file begins: a first line `sep=;`, as spreadsheets write it, names the delimiter.

    Args:
        where: the place of the declared delimiter; None when none is declared.

    Raises:
        SourceMissing: the file is empty or unreadable.
        SourceError: the file names another delimiter than the one that is declared.
    """
    first = next(text.pieces(path, written.encoding, FIRST_BYTES), b"")
    found = _SEPARATOR.match(first)
    above = max(written.skip_lines or 0, 1 if found else 0)
    if found is None:
        return Opening(written, above)
    sign = found[1].decode("utf-8", "replace")
    if where is not None and sign != written.delimiter:
        raise SourceError(
            f"{path.name} names another delimiter than the shop file",
            code="wrong-delimiter",
            where=where,
            found=f"line 1: sep={sign}",
            help="leave delimiter out: the file's own first line is read",
        )
    return Opening(dataclasses.replace(written, delimiter=sign), above)


def read_header(path: Path, begins: Opening) -> HeaderNames:
    """The column names in the first record of a CSV.

    Raises:
        SourceMissing: the file is empty or unreadable.
        SourceError: the file does not begin with a record.
    """
    written = begins.written
    dialect = written.dialect(0)
    head, line, above = b"", 1, begins.lines_above
    for piece, final in chain(
        ((p, False) for p in text.pieces(path, written.encoding)), [(b"", True)]
    ):
        head += piece
        while above and (after := csv_records.line_end(head, 0, final)) and head:
            head, line, above = head[after:], line + 1, above - 1
        if above:
            # the end of the line may be gigabytes away
            head = head if len(head) <= RECORD_BYTES else head[-1:]
            continue
        empty, lines = csv_records.empty_lines(head, dialect, final=final)
        head, line = head[empty:], line + lines
        if not head and not final:
            continue
        try:
            fields, end = csv_records.record_at(head, 0, dialect, final)
            names = tuple(field.decode() for field in fields)
        except csv_records.Incomplete:
            continue
        except (csv_records.Broken, UnicodeDecodeError) as exc:
            raise SourceError(
                f"{path.name} does not begin with a header",
                code="no-header",
                where=f"{path}:{line}",
                found=head[:80].decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
                help=f"check encoding ({written.encoding}), quote and delimiter in the shop file",
            ) from exc
        if "\0" in "".join(names):
            raise SourceError(
                f"{path.name} is not text in {written.encoding}: its header has NUL bytes",
                code="wrong-encoding",
                where=f"{path}:{line}",
                help="declare its encoding; utf-16 is the usual one",
            )
        return HeaderNames(names, line, _has_trailing_field(head[end:], dialect, len(names)))
    return HeaderNames()


def _has_trailing_field(records: bytes, dialect: Dialect, width: int) -> bool:
    """Whether the first record has a field more than the header, and that is empty."""
    start, _ = csv_records.empty_lines(records, dialect, final=True)
    try:
        fields, _ = csv_records.record_at(records, start, dialect, final=True)
    except csv_records.Broken:
        return False
    return len(fields) == width + 1 and not fields[-1] and any(fields)
