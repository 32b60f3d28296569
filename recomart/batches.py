"""The batch record: one row of the ledger table raw._loads, declared once for writer and readers.

Ingestion writes it; reports, lineage and publishing read it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import get_args, get_type_hints

import duckdb

LEDGER = "raw._loads"
LOADED, FAILED, REPLACED = "loaded", "failed", "replaced"
"""The status of a batch. Replaced: it failed, and its source file now has other bytes, which are
loaded."""

_SQL_TYPES = {str: "varchar", int: "bigint", datetime: "timestamp"}


@dataclass(frozen=True)
class Batch:
    """One file, fetch or segment on its way into the warehouse. Times are naive UTC.

    The fields are the columns of raw._loads, in order. For loaded batches,
    lines = header + blank + continuation + rejected + records.
    """

    batch_id: str
    source: str
    """The kind of source, by its tag: files, api, stream."""
    entity: str
    source_file: str
    """The name of the object that was received: a path, or a URL."""
    landed_file: str | None = None
    """The bytes as received, relative to the lake; None when nothing was received."""
    sha256: str | None = None
    bytes: int | None = None
    lines: int | None = None
    header: int | None = None
    blank: int | None = None
    continuation: int | None = None
    rejected: int | None = None
    records: int | None = None
    status: str = LOADED
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    mapping: str | None = None
    """The fingerprint of the declaration that made the rows, or that made the batch fail. None
    when the machine failed (memory, disk), and for segments, which need no declaration."""
    deduplicated: int | None = None
    """Of a segment: records that are not in raw.events because they were there already."""
    redelivered: int | None = None
    """Of these: deliveries that a killed consumer had already written to another segment."""


def columns() -> dict[str, str]:
    """The columns of raw._loads in order, with their SQL types."""
    hints = get_type_hints(Batch)
    plain = {name: next(iter(get_args(hint)), hint) for name, hint in hints.items()}
    return {field.name: _SQL_TYPES[plain[field.name]] for field in fields(Batch)}


def read_batches(connection: duckdb.DuckDBPyConnection) -> list[Batch]:
    """Every batch of the ledger, in load order."""
    query = f"select {', '.join(columns())} from {LEDGER} order by batch_id"
    return [Batch(*row) for row in connection.execute(query).fetchall()]
