"""The formats of landed files: how each becomes batches of records, every line accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from ingestion import headers
from ingestion.declaration import Declaration
from ingestion.headers import Header
from ingestion.readers import pages, parquet_records, text
from ingestion.readers.csv_header import Opening, opening, read_header
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_lists import JsonListReader
from ingestion.readers.json_values import ITEM, PLACE, JsonColumns, schema
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
        begins = _opening(file)
        if not begins.written.header:
            names = list(begins.written.fields)
            return Header(tuple(names), headers.missing_fields(names, file.shown, file.declared))
        found = read_header(file.path, begins)
        names = list(found.columns)
        place = f"{file.shown}, line {found.line}"
        if names[:1] and names[0].lstrip().startswith(("{", "[")):
            start = ",".join(names).encode()
            return Header(tuple(names), [_holds_json(file.declared, place, start, "csv")])
        return Header(tuple(names), headers.name_problems(names, place, file.declared, file.path))

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        begins = _opening(file)
        written = begins.written
        dialect = written.dialect(len(reading.names))
        reader = CsvReader(
            dialect, reading.counts, header=written.header, lines_above=begins.lines_above
        )
        batches = reader.batches(text.pieces(file.path, written.encoding))
        return Records(
            pa.RecordBatchReader.from_batches(dialect.schema, batches),
            dict(zip(reading.names, dialect.names, strict=True)),
            undeclared=lambda: _undeclared(file, reading),
        )


def _opening(file: DeclaredFile) -> Opening:
    source = file.declared.source
    is_declared = "delimiter" in source.model_fields_set
    where = file.declared.where("delimiter") if is_declared else None
    return opening(file.path, TextFormat.of(source), where=where)


def _undeclared(file: DeclaredFile, reading: Reading) -> dict[str, int]:
    names = headers.undeclared_columns(reading.names, file.declared)
    return dict.fromkeys(names, reading.counts.records)


def _holds_json(
    declared: Declaration[Any], place: str, start: bytes, format: str
) -> HeaderMismatch:
    is_list = start.lstrip().startswith(b"[")
    return HeaderMismatch(
        f"{place}, holds a JSON {'list' if is_list else 'object'}, and no "
        + ("names of columns" if format == "csv" else "object in one line"),
        code="wrong-format",
        where=declared.where("files" if format == "csv" else "format"),
        found=start[:200].decode("utf-8", "replace"),
        help=f"set format: {'json' if is_list else 'jsonl'}",
    )


class JsonLines:
    """Text with one JSON object a line."""

    name = "jsonl"

    def header(self, file: DeclaredFile) -> Header:
        """The keys of the first records: a key that is not declared is found before all is read."""
        columns, written = _columns(file), TextFormat.of(file.declared.source)
        head = next(text.pieces(file.path, written.encoding, FIRST_BYTES), b"")
        if head.lstrip()[:1] == b"[":
            return Header((), [_holds_json(file.declared, file.shown, head, self.name)])
        whole, end, _ = head.rpartition(b"\n")
        reader = JsonLinesReader(columns, LineCounts(), written.each)
        for _ in reader.batches(iter([whole + end])):
            pass
        return Header((), headers.unknown_keys(columns, file.shown, file.declared))

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        columns, written = _columns(file), TextFormat.of(file.declared.source)
        reader = JsonLinesReader(columns, reading.counts, written.each)
        batches = reader.batches(text.pieces(file.path, written.encoding))
        return _json_file(columns, batches, file, reading.counts)


class JsonDocument:
    """One JSON document with a list of objects."""

    name = "json"

    def header(self, file: DeclaredFile) -> Header:
        """The keys of the first records, as for JSON lines."""
        columns, written = _columns(file), TextFormat.of(file.declared.source)
        head = next(text.pieces(file.path, written.encoding, FIRST_BYTES), b"")
        for _ in self._reader(file, columns, LineCounts()).begun(iter([head])):
            pass
        return Header((), headers.unknown_keys(columns, file.shown, file.declared, "element"))

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        columns, written = _columns(file), TextFormat.of(file.declared.source)
        reader = self._reader(file, columns, reading.counts)
        batches = reader.batches(text.pieces(file.path, written.encoding))
        return _json_file(columns, batches, file, reading.counts, "element")

    def _reader(
        self, file: DeclaredFile, columns: JsonColumns, counts: LineCounts
    ) -> JsonListReader:
        written = TextFormat.of(file.declared.source)
        where = file.declared.where("items" if written.items is not None else "format")
        return JsonListReader(columns, counts, file.shown, written.items, written.each, where)


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
        undeclared = _undeclared(file, reading)
        return Records(opened.relation, opened.places, undeclared=lambda: undeclared)


class Pages:
    """Pages of an HTTP catalogue, framed as they were received."""

    name = "pages"

    def header(self, file: DeclaredFile) -> Header:
        """Nothing: which keys a catalogue has is known when all of its items were read."""
        return Header()

    def records(self, file: DeclaredFile, reading: Reading) -> Records:
        declared, counts = file.declared, reading.counts
        # an API may have more keys than are mapped
        columns, written = JsonColumns(declared.source.reads), PageFormat.of(declared.source)

        def check() -> None:
            """An API may have more keys than the mapping reads (APIs grow), but not fewer. What
            marks a cancellation may be missing: there may be none."""
            absent = [n for n in columns.absent if n not in declared.source.marks_read]
            if counts.records and absent:
                known = [key for key in columns.keys if key not in (ITEM, PLACE)]
                place = f"the API of {declared.entity}"
                raise headers.mismatch(place, declared, known, absent[0])

        return _json_records(columns, pages.batches(file.path, written, columns, counts), check)


def _columns(file: DeclaredFile) -> JsonColumns:
    return JsonColumns(file.declared.source.reads, headers.declared_keys(file.declared))


def _json_file(
    columns: JsonColumns,
    batches: Iterator[pa.RecordBatch],
    file: DeclaredFile,
    counts: LineCounts,
    unit: str = "line",
) -> Records:
    def check() -> None:
        place = file.shown, file.declared
        missing = headers.missing_keys(columns, *place) if counts.records else ()
        headers.first_of(missing, headers.unknown_keys(columns, *place, unit))

    return replace(_json_records(columns, batches, check), undeclared=lambda: columns.undeclared)


def _json_records(
    columns: JsonColumns, batches: Iterator[pa.RecordBatch], check: Callable[[], None]
) -> Records:
    return Records(
        pa.RecordBatchReader.from_batches(schema(columns.paths), batches),
        {path: f"c{i}" for i, path in enumerate(columns.paths)},
        check,
    )


FILE_FORMATS: dict[str, Reader] = {
    reader.name: reader for reader in (Csv(), JsonLines(), JsonDocument(), Parquet())
}
"""The formats that a shop file may declare for files, by name."""
