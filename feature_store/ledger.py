"""The ledger of the warehouse, `raw._loads`: one row per batch, declared once for writer and readers.

Ingestion writes it. Publishing, the data-quality report and the lineage read it here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import get_args, get_type_hints

import duckdb

from feature_store.snapshots import Batch
from recomart.warehouse import has_table

LEDGER = "raw._loads"
LOADED, FAILED, REPLACED = "loaded", "failed", "replaced"
"""The status of a batch. Replaced: it failed, and its source file now has other bytes, which are
loaded."""

_SQL_TYPES = {str: "varchar", int: "bigint", datetime: "timestamp"}


@dataclass(frozen=True)
class BatchRecord:
    """One file, fetch or segment on its way into the warehouse. Times are UTC: naive as
    ingestion makes them, aware as `read_batches` gives them.

    The fields are the columns of raw._loads, in order. For loaded batches,
    lines = header + blank + continuation + rejected + records.
    """

    batch_id: str
    source: str = ""
    """The kind of source, by its tag: files, api, stream."""
    entity: str = ""
    source_file: str = ""
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
    filtered: int | None = None
    """Records that the source's `where` leaves out of the raw table."""
    undeclared: str | None = None
    """As JSON: columns that the shop file neither maps nor ignores -> records that have them. None
    without any."""

    lookups: str | None = None
    """As JSON: the files that its records were looked up in (`join`) -> their sha256. None without."""
    unmatched: int | None = None
    """Records that one of these lookups has nothing for."""

    @property
    def key(self) -> tuple[str, str | None]:
        """Distinguishes it from every other batch, also of a warehouse that was made again."""
        return self.batch_id, self.sha256

    @property
    def is_loaded(self) -> bool:
        """Whether its records are in the raw tables."""
        return self.status == LOADED


def columns() -> dict[str, str]:
    """The columns of raw._loads in order, with their SQL types."""
    hints = get_type_hints(BatchRecord)
    plain = {name: next(iter(get_args(hint)), hint) for name, hint in hints.items()}
    return {field.name: _SQL_TYPES[plain[field.name]] for field in fields(BatchRecord)}


def read_batches(connection: duckdb.DuckDBPyConnection) -> tuple[BatchRecord, ...]:
    """Every batch in load order; none before the first ingest.

    A lake may be older than a column of the ledger: then the field has its default.
    """
    if not has_table(connection, LEDGER):
        return ()
    cursor = connection.execute(f"select * from {LEDGER} order by batch_id")
    names = [column[0] for column in cursor.description or ()]
    known = {field.name for field in fields(BatchRecord)}
    batches = []
    for row in cursor.fetchall():
        values = {name: v for name, v in zip(names, row, strict=True) if name in known}
        for time in ("started_at", "finished_at"):
            if values.get(time) is not None:
                values[time] = values[time].replace(tzinfo=UTC)
        batches.append(BatchRecord(**values))
    return tuple(batches)


def batch_of(record: BatchRecord, records: int, accepted: int, *, since: datetime) -> Batch:
    """A loaded batch as a snapshot records it.

    Args:
        records, accepted: received, and of them those that became rows of the snapshot's tables.
        since: the publication since which the batch is behind the snapshot.
    """
    return Batch(
        batch_id=record.batch_id,
        entity=record.entity,
        source=record.source,
        source_file=record.source_file,
        landed_file=record.landed_file or "",
        sha256=record.sha256 or "",
        records=records,
        accepted=accepted,
        since=since,
    )


def record_of(batch: Batch) -> BatchRecord:
    """A batch that only a snapshot still records, as the ledger would have it."""
    return BatchRecord(
        batch_id=batch.batch_id,
        entity=batch.entity,
        source=batch.source,
        source_file=batch.source_file,
        landed_file=batch.landed_file,
        sha256=batch.sha256,
        records=batch.records,
        started_at=batch.since,
        finished_at=batch.since,
    )
