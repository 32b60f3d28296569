"""A bounded look into a file: its head and, in a large one, pieces from all over it."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.readers import parquet_records
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.csv_records import Dialect
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_lists import JsonListReader
from ingestion.readers.json_values import JsonColumns, schema
from ingestion.readers.records import LineCounts
from ingestion.readers.text import is_utf8, reading
from recomart.errors import SourceMissing

WHOLE_BYTES = 8 << 20
"""A file up to this size is looked at whole."""
HEAD_BYTES, PIECE_BYTES, PIECES = 2 << 20, 256 << 10, 8
ROWS_OF_PARQUET = 100_000


@dataclass(frozen=True)
class Raw:
    """Bytes of a file. Every chunk but the first begins after a line's end."""

    path: Path
    size: int
    chunks: tuple[bytes, ...]
    whole: bool
    """Whether these are all of its bytes."""


@dataclass(frozen=True)
class Rows:
    """Records of a sample as text, by the source's column, and what could not be read."""

    table: pa.Table
    counts: LineCounts
    whole: bool

    def column(self, name: str) -> pa.ChunkedArray:
        return self.table.column(name)


def read(path: Path, whole_bytes: int = WHOLE_BYTES) -> Raw:
    """Bytes of a file: all of a small one, else its head and pieces at even distances.

    Raises:
        SourceMissing: the file is empty or cannot be read.
        SourceError: broken gzip.
    """
    with reading(path):
        size = path.stat().st_size
        with open(path, "rb") as handle:
            if path.suffix == ".gz":
                with gzip.open(handle, "rb") as expanded:
                    head = expanded.read(whole_bytes)
                    whole = not expanded.read(1)
                chunks = [head]
            elif size <= whole_bytes:
                chunks, whole = [handle.read()], True
            else:
                chunks, whole = [handle.read(HEAD_BYTES)], False
                for i in range(1, PIECES + 1):
                    handle.seek(max(HEAD_BYTES, size * i // PIECES - PIECE_BYTES))
                    chunks.append(handle.read(PIECE_BYTES))
    if not chunks[0]:
        raise SourceMissing(
            f"{path.name} is empty",
            code="empty-file",
            where=str(path),
            found="0 bytes",
            help="deliver the file again; an empty table still has a header",
        )
    return Raw(path, size, tuple(_whole_lines(chunks, whole)), whole)


def _whole_lines(chunks: list[bytes], whole: bool) -> Iterator[bytes]:
    """The chunks without the torn lines at their edges; one of no whole line is left out."""
    first = chunks[0]
    if whole or first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first
        return
    yield first[: first.rfind(b"\n") + 1] or first
    for chunk in chunks[1:]:
        start, end = chunk.find(b"\n") + 1, chunk.rfind(b"\n") + 1
        if start < end:
            yield chunk[start:end]


def utf8(raw: Raw, encoding: str) -> list[bytes]:
    """The chunks as UTF-8 without a byte-order mark, as `ingestion.readers.text` makes them."""
    chunks = list(raw.chunks)
    if not is_utf8(encoding):
        chunks = [
            chunk.decode(encoding, "surrogateescape" if _single_bytes(encoding) else "replace")
            .encode("utf-8", "surrogatepass")
            for chunk in chunks
        ]  # fmt: skip
    return [chunks[0].removeprefix(codecs.BOM_UTF8), *chunks[1:]]


def _single_bytes(encoding: str) -> bool:
    return not codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def csv_rows(
    chunks: Iterable[bytes],
    names: list[str],
    dialect: Dialect,
    *,
    header: bool,
    whole: bool,
    lines_above: int = 0,
) -> Rows:
    """The records of chunks, read as ingest reads them; `names` are the columns' own."""
    total, batches = LineCounts(), []
    for place, chunk in enumerate(chunks):
        counts = LineCounts()
        above = 0 if place else lines_above
        reader = CsvReader(dialect, counts, header=header and place == 0, lines_above=above)
        batches += list(reader.batches(iter([chunk])))
        total.records += counts.records
        total.lines += counts.lines
        total.rejects += counts.rejects
    table = pa.Table.from_batches(batches, schema=dialect.schema).drop_columns("_record")
    return Rows(table.rename_columns(_unlike(names)), total, whole)


def json_rows(
    chunks: Iterable[bytes], paths: tuple[str, ...], *, whole: bool, each: str | None = None
) -> Rows:
    """The records of JSON lines, at these paths."""
    counts = LineCounts()
    reader = JsonLinesReader(JsonColumns(paths), counts, each)
    return _json_rows(reader.batches(iter(chunks)), paths, counts, whole)


def json_list_rows(
    chunks: list[bytes],
    paths: tuple[str, ...],
    name: str,
    items: str | None,
    each: str | None,
    whole: bool,
) -> Rows:
    """The records of the list at `items` in a JSON document, as far as its first chunk goes."""
    counts = LineCounts()
    reader = JsonListReader(JsonColumns(paths), counts, name, items, each)
    batches = reader.batches(iter(chunks)) if whole else reader.begun(iter(chunks[:1]))
    return _json_rows(batches, paths, counts, whole)


def _json_rows(
    batches: Iterable[pa.RecordBatch], paths: tuple[str, ...], counts: LineCounts, whole: bool
) -> Rows:
    table = pa.Table.from_batches(batches, schema=schema(paths))
    return Rows(table.drop_columns("_record").rename_columns(list(paths)), counts, whole)


def parquet_rows(path: Path, names: list[str] | None = None) -> Rows:
    """The first records of a Parquet file, as the text that ingest makes of them.

    Args:
        names: the columns to read, or paths into structs; None for all columns.

    Raises:
        SourceError: no Parquet, or columns that cannot be read.
    """
    names = names or parquet_records.column_names(path, path.name, str(path))
    with duckdb.connect(config={"threads": 1}) as connection:
        file = parquet_records.opened(connection, path, tuple(names))
        table = connection.execute(
            f"select * exclude (_record) from {file.relation} limit {ROWS_OF_PARQUET}"
        ).to_arrow_table()
    counts = LineCounts(lines=table.num_rows, records=table.num_rows)
    return Rows(table.rename_columns(names), counts, table.num_rows == file.records)


def _unlike(names: list[str]) -> list[str]:
    """Names as they are, those that come again with a number, so that a table can hold them."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
