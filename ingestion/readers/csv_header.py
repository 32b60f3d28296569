"""The first record of a CSV: the names of its columns."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.readers import csv_records, text
from recomart.errors import SourceError

if TYPE_CHECKING:
    from ingestion.sources.files import FileSource


def dialect_of(source: FileSource, width: int) -> csv_records.Dialect:
    """The dialect that a shop file declares, for a file of `width` columns."""
    return csv_records.Dialect(source.delimiter.encode(), source.quote.encode(), width)


def read_header(path: Path, source: FileSource) -> tuple[list[str], int]:
    """The column names in the first record of a CSV, and that record's line.

    Raises:
        SourceMissing: the file is empty or unreadable.
        SourceError: the file does not begin with a record.
    """
    head, line = b"", 1
    dialect = dialect_of(source, 0)
    for piece, final in chain(
        ((p, False) for p in text.pieces(path, source.encoding)), [(b"", True)]
    ):
        head += piece
        record = head.lstrip(b"\r\n")
        line += head.count(b"\n", 0, len(head) - len(record))
        head = record  # there may be gigabytes of empty lines before it
        if not head and not final:
            continue
        try:
            fields, _ = csv_records.record_at(head, 0, dialect, final)
            names = [field.decode() for field in fields]
        except csv_records.Incomplete:
            continue
        except (csv_records.Broken, UnicodeDecodeError) as exc:
            raise SourceError(
                f"{path.name} does not begin with a header",
                code="no-header",
                where=f"{path}:{line}",
                found=head[:80].decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
                help=f"check encoding ({source.encoding}), quote and delimiter in the shop file",
            ) from exc
        if "\0" in "".join(names):
            raise SourceError(
                f"{path.name} is not text in {source.encoding}: its header has NUL bytes",
                code="wrong-encoding",
                where=f"{path}:{line}",
                help="declare its encoding; utf-16 is the usual one",
            )
        return names, line
    return [], 1
