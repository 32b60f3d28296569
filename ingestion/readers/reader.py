"""What a reader is: it makes batches of records from a landed file, every line accounted for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from ingestion.declaration import Declaration
from ingestion.headers import Header
from ingestion.readers.records import LineCounts
from recomart.shop.sources import Source


@dataclass(frozen=True)
class DeclaredFile:
    """A file, and how the shop file declares it.

    A reader takes the keys that its format needs from `TextFormat.of` or `PageFormat.of`, which
    have a default for each: a kind of source need not have them.

    Args:
        shown: what messages call the file.
    """

    path: Path
    shown: str
    declared: Declaration[Source]


@dataclass(frozen=True)
class Reading:
    """What the records of one file are read with.

    Args:
        names: the column names of its checked header.
        counts: filled while the records are read.
    """

    connection: duckdb.DuckDBPyConnection
    names: tuple[str, ...]
    counts: LineCounts


@dataclass(frozen=True)
class Records:
    """The records of a landed file, on their way into the warehouse.

    Args:
        rows: batches of text columns and _record (int64, from 1), or SQL that DuckDB reads itself.
        places: the source's column -> the SQL identifier that holds it.
        check: to be called when all rows were read; raises SourceError.
        undeclared: likewise; the columns that the shop file neither maps nor ignores -> how many
            records have them.
    """

    rows: pa.RecordBatchReader | str
    places: dict[str, str]
    check: Callable[[], None] = lambda: None
    undeclared: Callable[[], Mapping[str, int]] = dict


class Reader(Protocol):
    """Reads landed files of one format."""

    name: str

    def header(self, file: DeclaredFile) -> Header:
        """The names of a file's columns, compared with the declaration.

        Raises:
            SourceError: the file is empty or unreadable, or not of this format.
        """

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        """The records of a file whose header was checked."""
