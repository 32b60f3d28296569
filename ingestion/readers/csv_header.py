"""The first record of a CSV: the names of its columns."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from ingestion.readers import csv_records, text
from ingestion.readers.text_format import TextFormat
from recomart.errors import SourceError


def read_header(path: Path, written: TextFormat) -> tuple[list[str], int]:
    """The column names in the first record of a CSV, and that record's line.

    Raises:
        SourceMissing: the file is empty or unreadable.
        SourceError: the file does not begin with a record.
    """
    head, line = b"", 1
    dialect = written.dialect(0)
    for piece, final in chain(
        ((p, False) for p in text.pieces(path, written.encoding)), [(b"", True)]
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
                help=f"check encoding ({written.encoding}), quote and delimiter in the shop file",
            ) from exc
        if "\0" in "".join(names):
            raise SourceError(
                f"{path.name} is not text in {written.encoding}: its header has NUL bytes",
                code="wrong-encoding",
                where=f"{path}:{line}",
                help="declare its encoding; utf-16 is the usual one",
            )
        return names, line
    return [], 1
