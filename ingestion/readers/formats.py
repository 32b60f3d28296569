"""The formats of landed files: how each becomes batches of records, every line accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from ingestion import headers
from ingestion.declaration import Declaration
from ingestion.headers import Header
from ingestion.readers import pages, parquet_records, text
from ingestion.readers.csv_header import read_header
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_values import JsonColumns, schema
from ingestion.readers.pages import PageFormat
from ingestion.readers.reader import DeclaredFile, Reader, Reading, Records
from ingestion.readers.records import LineCounts
from ingestion.readers.text_format import TextFormat
from recomart.errors import HeaderMismatch

FIRST_BYTES = 16 << 10
"""So much of a JSON-lines file is read to compare its keys before all of it is."""


class Csv:
    """Delimited text, with or without a header."""

    name = "csv"

    def header(self, file: DeclaredFile) -> Header:
        written = TextFormat.of(file.declared.source)
        if not written.header:
            next(text.pieces(file.path, written.encoding), None)
            names = list(written.fields)
            return Header(tuple(names), headers.missing_fields(names, file.shown, file.declared))
        names, line = read_header(file.path, written)
        place = f"{file.shown}, line {line}"
        if names[:1] and names[0].lstrip().startswith("{"):
            return Header(tuple(names), [_holds_json(names, place, file.declared)])
        return Header(tuple(names), headers.name_problems(names, place, file.declared, file.path))

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        written = TextFormat.of(file.declared.source)
        dialect = written.dialect(len(reading.names))
        reader = CsvReader(dialect, reading.counts, header=written.header)
        batches = reader.batches(text.pieces(file.path, written.encoding))
        return Records(
            pa.RecordBatchReader.from_batches(dialect.schema, batches),
            dict(zip(reading.names, dialect.names, strict=True)),
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

    def header(self, file: DeclaredFile) -> Header:
        """The keys of the first records: a key that is not declared is found before all is read."""
        columns = JsonColumns(file.declared.source.reads)
        encoding = TextFormat.of(file.declared.source).encoding
        head = next(text.pieces(file.path, encoding, FIRST_BYTES), b"")
        whole, end, _ = head.rpartition(b"\n")
        for _ in JsonLinesReader(columns, LineCounts()).batches(iter([whole + end])):
            pass
        return Header((), headers.unknown_keys(columns, file.shown, file.declared))

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        columns, counts = JsonColumns(file.declared.source.reads), reading.counts
        pieces = text.pieces(file.path, TextFormat.of(file.declared.source).encoding)

        def check() -> None:
            place = file.shown, file.declared
            missing = headers.missing_keys(columns, *place) if counts.records else ()
            headers.first_of(missing, headers.unknown_keys(columns, *place))

        return _json_records(columns, JsonLinesReader(columns, counts).batches(pieces), check)


class Parquet:
    """Parquet, read by DuckDB itself."""

    name = "parquet"

    def header(self, file: DeclaredFile) -> Header:
        names = parquet_records.column_names(file.path, file.shown, file.declared.where("format"))
        problems = headers.name_problems(names, file.shown, file.declared, file.path, nested=True)
        return Header(tuple(names), problems)

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        reads = file.declared.source.reads
        opened = parquet_records.opened(reading.connection, file.path, reads)
        reading.counts.lines = reading.counts.records = opened.records
        return Records(opened.relation, opened.places)


class Pages:
    """Pages of an HTTP catalogue, framed as they were received."""

    name = "pages"

    def header(self, file: DeclaredFile) -> Header:
        """Nothing: which keys a catalogue has is known when all of its items were read."""
        return Header()

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        declared, counts = file.declared, reading.counts
        columns, written = JsonColumns(declared.source.reads), PageFormat.of(declared.source)

        def check() -> None:
            """An API may have more keys than the mapping reads (APIs grow), but not fewer."""
            if counts.records and columns.absent:
                known = [key for key in columns.keys if key not in (pages.ITEM, pages.PLACE)]
                place = f"the API of {declared.entity}"
                raise headers.mismatch(place, declared, known, columns.absent[0])

        return _json_records(columns, pages.batches(file.path, written, columns, counts), check)


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
