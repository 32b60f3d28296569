"""Samples of a declared source: its records, read as ingest reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.declaration import Declaration
from ingestion.readers.csv_header import opening
from ingestion.readers.reader import DeclaredFile, Reading
from ingestion.readers.records import LineCounts
from ingestion.readers.text_format import TextFormat
from ingestion.sources import kind_of
from onboarding import sample
from onboarding.sample import Rows


def rows_of(
    path: Path,
    declared: Declaration[Any],
    whole_bytes: int = sample.WHOLE_BYTES,
    only: Sequence[str] | None = None,
) -> Rows:
    """Sampled records of a file, read as the shop file declares it.

    Of a large CSV or JSON-lines file, pieces are read; of a JSON document, its beginning; of
    Parquet, the first rows. Any other format
    is read whole: what a kind of source gives to look at is small.

    Args:
        only: of JSON, the paths to read in place of those that the mapping reads.

    Raises:
        SourceError: the file cannot be read so.
    """
    source = declared.source
    reader = kind_of(declared).reader(source)
    if reader.name == "parquet":
        there = reader.header(DeclaredFile(path, path.name, declared)).names
        return sample.parquet_rows(path, [n for n in source.reads if n.split(".")[0] in there])
    if reader.name not in ("csv", "jsonl", "json"):
        return _whole(path, declared)
    raw = sample.read(path, whole_bytes)
    written = TextFormat.of(source)
    chunks = sample.utf8(raw, written.encoding)
    if reader.name == "jsonl":
        paths = tuple(only or source.reads)
        return sample.json_rows(chunks, paths, whole=raw.whole, each=written.each)
    if reader.name == "json":
        paths = tuple(only or source.reads)
        items, each = written.items, written.each
        return sample.json_list_rows(chunks, paths, path.name, items, each, raw.whole)
    names = list(reader.header(DeclaredFile(path, path.name, declared)).names)
    begins = opening(path, written)
    dialect = begins.written.dialect(len(names))
    above = begins.lines_above
    return sample.csv_rows(
        chunks, names, dialect, header=written.header, whole=raw.whole, lines_above=above
    )


def _whole(path: Path, declared: Declaration[Any]) -> Rows:
    """All records of a file, checked as a load would check them."""
    file = DeclaredFile(path, path.name, declared)
    reader, counts = kind_of(declared).reader(declared.source), LineCounts(name=path.name)
    names = reader.header(file).checked()
    with duckdb.connect(config={"threads": 1}) as connection:
        records = reader.records(file, Reading(connection, names, counts))
        rows = records.rows
        found = connection.sql(f"from {rows}") if isinstance(rows, str) else rows
        table = found.to_arrow_table() if isinstance(rows, str) else rows.read_all()
    records.check()
    columns = {name: table.column(place) for name, place in records.places.items()}
    return Rows(pa.table(columns), counts, whole=False)
