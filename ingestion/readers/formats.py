"""The formats of landed files: how each becomes batches of records, every line accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import pyarrow as pa

from ingestion import headers
from ingestion.headers import Header
from ingestion.readers import pages, parquet_records, text
from ingestion.readers.csv_header import dialect_of, read_header
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_values import JsonColumns, schema
from ingestion.readers.records import LineCounts
from recomart.errors import HeaderMismatch

if TYPE_CHECKING:
    from ingestion.declaration import Declaration

FIRST_BYTES = 16 << 10
"""So much of a JSON-lines file is read to compare its keys before all of it is."""


@dataclass(frozen=True)
class Records:
    """The records of a landed file, on their way into the warehouse.

    Args:
        rows: batches of text columns and _record (int64, from 1), or SQL that DuckDB reads itself.
        places: the source's column -> the SQL identifier that holds it.
        check: to be called when all rows were read; raises SourceError.
    """

    rows: pa.RecordBatchReader | str
    places: dict[str, str]
    check: Callable[[], None] = lambda: None


class Reader(Protocol):
    """Reads landed files of one format."""

    name: str

    def header(self, path: Path, shown: str, declared: Declaration[Any]) -> Header:
        """The names of a file's columns, compared with the declaration.

        Args:
            shown: what messages call the file.

        Raises:
            SourceError: the file is empty or unreadable, or not of this format.
        """

    def records(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        shown: str,
        declared: Declaration[Any],
        names: tuple[str, ...],
        counts: LineCounts,
    ) -> Records:
        """The records of a file whose header was checked.

        Args:
            names: those of the header.
            counts: filled while the records are read.
        """


class Csv:
    """Delimited text, with or without a header."""

    name = "csv"

    def header(self, path: Path, shown: str, declared: Declaration[Any]) -> Header:
        source = declared.source
        if not source.header:
            next(text.pieces(path, source.encoding), None)
            names = list(source.fields)
            return Header(tuple(names), headers.missing_fields(names, shown, declared))
        names, line = read_header(path, source)
        place = f"{shown}, line {line}"
        if names[:1] and names[0].lstrip().startswith("{"):
            return Header(tuple(names), [_holds_json(names, place, declared)])
        return Header(tuple(names), headers.name_problems(names, place, declared, path))

    def records(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        shown: str,
        declared: Declaration[Any],
        names: tuple[str, ...],
        counts: LineCounts,
    ) -> Records:
        dialect = dialect_of(declared.source, len(names))
        reader = CsvReader(dialect, counts, header=declared.source.header)
        batches = reader.batches(text.pieces(path, declared.source.encoding))
        return Records(
            pa.RecordBatchReader.from_batches(dialect.schema, batches),
            dict(zip(names, dialect.names, strict=True)),
        )


def _holds_json(names: list[str], place: str, declared: Declaration[Any]) -> HeaderMismatch:
    return HeaderMismatch(
        f"{place}, holds a JSON object, and no names of columns",
        code="wrong-format",
        where=declared.where("files"),
        found=", ".join(names)[:200],
        help="set format: jsonl",
    )


class JsonLines:
    """Text with one JSON object a line."""

    name = "jsonl"

    def header(self, path: Path, shown: str, declared: Declaration[Any]) -> Header:
        """The keys of the first records: a key that is not declared is found before all is read."""
        columns = JsonColumns(declared.source.reads)
        head = next(text.pieces(path, declared.source.encoding, FIRST_BYTES), b"")
        whole, end, _ = head.rpartition(b"\n")
        for _ in JsonLinesReader(columns, LineCounts()).batches(iter([whole + end])):
            pass
        return Header((), headers.unknown_keys(columns, shown, declared))

    def records(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        shown: str,
        declared: Declaration[Any],
        names: tuple[str, ...],
        counts: LineCounts,
    ) -> Records:
        columns = JsonColumns(declared.source.reads)
        pieces = text.pieces(path, declared.source.encoding)

        def check() -> None:
            missing = headers.missing_keys(columns, shown, declared) if counts.records else ()
            headers.first_of(missing, headers.unknown_keys(columns, shown, declared))

        return _json_records(columns, JsonLinesReader(columns, counts).batches(pieces), check)


class Parquet:
    """Parquet, read by DuckDB itself."""

    name = "parquet"

    def header(self, path: Path, shown: str, declared: Declaration[Any]) -> Header:
        names = parquet_records.column_names(path, shown, declared.where("format"))
        problems = headers.name_problems(names, shown, declared, path, nested=True)
        return Header(tuple(names), problems)

    def records(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        shown: str,
        declared: Declaration[Any],
        names: tuple[str, ...],
        counts: LineCounts,
    ) -> Records:
        file = parquet_records.opened(connection, path, declared.source.reads)
        counts.lines = counts.records = file.records
        return Records(file.relation, file.places)


class Pages:
    """Pages of an HTTP catalogue, framed as they were received."""

    name = "pages"

    def header(self, path: Path, shown: str, declared: Declaration[Any]) -> Header:
        """Nothing: which keys a catalogue has is known when all of its items were read."""
        return Header()

    def records(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        shown: str,
        declared: Declaration[Any],
        names: tuple[str, ...],
        counts: LineCounts,
    ) -> Records:
        columns = JsonColumns(declared.source.reads)

        def check() -> None:
            """A catalogue may have more keys than the mapping reads (APIs grow), but not fewer."""
            if counts.records and columns.absent:
                known = [key for key in columns.keys if key not in (pages.ITEM, pages.PLACE)]
                place = f"the catalogue of {declared.entity}"
                raise headers.mismatch(place, declared, known, columns.absent[0])

        return _json_records(columns, pages.batches(path, declared.source, columns, counts), check)


def _json_records(
    columns: JsonColumns, batches: Iterator[pa.RecordBatch], check: Callable[[], None]
) -> Records:
    return Records(
        pa.RecordBatchReader.from_batches(schema(columns.paths), batches),
        {path: f"c{i}" for i, path in enumerate(columns.paths)},
        check,
    )


FILE_FORMATS: dict[str, Reader] = {
    reader.name: reader for reader in (Csv(), JsonLines(), Parquet())
}
"""The formats that a shop file may declare for files, by name."""
