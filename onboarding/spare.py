"""Samples of a declared source: its records as declared, and which spare column is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingestion.readers import csv_records, parquet_records
from ingestion.readers.csv_header import read_header
from onboarding import sample
from onboarding.fits import FITS, Evidence, fit
from onboarding.layout import Layout
from onboarding.sample import Rows
from onboarding.tables import Table
from recomart.errors import SourceError
from recomart.shop.model import FileSource

FEW_BYTES = 1 << 20


def rows_of(
    path: Path,
    source: FileSource,
    whole_bytes: int = sample.WHOLE_BYTES,
    only: Sequence[str] | None = None,
) -> Rows:
    """Sampled records of a file, read as the shop file declares it.

    Args:
        only: of JSON lines, the paths to read in place of those that the mapping reads.

    Raises:
        SourceError: the file cannot be read so.
    """
    if source.format == "parquet":
        there = set(parquet_records.column_names(path, path.name, str(path)))
        return sample.parquet_rows(path, [n for n in source.reads if n.split(".")[0] in there])
    raw = sample.read(path, whole_bytes)
    chunks = sample.utf8(raw, source.encoding)
    if source.format == "jsonl":
        return sample.json_rows(chunks, tuple(only or source.reads), whole=raw.whole)
    names = list(source.fields) if not source.header else read_header(path, source)[0]
    dialect = csv_records.Dialect(source.delimiter.encode(), source.quote.encode(), len(names))
    return sample.csv_rows(chunks, names, dialect, header=source.header, whole=raw.whole)


def best_of(
    path: Path, source: FileSource, entity: str, ours: str, spare: Sequence[str], close: str | None
) -> tuple[str | None, str | None]:
    """The spare column that is ours best, by name and values, and the reason; else `close`."""
    try:
        rows = rows_of(path, source, FEW_BYTES, only=spare)
    except SourceError:
        return close, None
    names = [name for name in rows.table.column_names if name in spare]
    layout = Layout(source.format, header=source.header, names=tuple(names))
    table = Table([path], path.name, layout, rows.table, rows.whole)
    found = [
        f
        for column in table.columns.values()
        if (f := fit(table, column, ours, entity, Evidence())) and f.score >= FITS
    ]
    if not found:
        return close, None
    best = max(found, key=lambda f: (f.name == close, f.score))
    return best.name, best.reason.removesuffix(", whatever its name")
