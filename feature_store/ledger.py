"""The ledger of the warehouse, `raw._loads`: one row per batch, read in one place.

Ingestion writes it. Publishing, the data-quality report and the lineage read it here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime

import duckdb

from feature_store.snapshots import Batch
from recomart.warehouse import has_table

LEDGER = "raw._loads"
LOADED, FAILED = "loaded", "failed"


@dataclass(frozen=True)
class Load:
    """One batch: a file or a page of an API, as it was received. Times are UTC.

    Args:
        landed_file: the bytes as received, relative to the lake; None when nothing could land.
        lines, header, blank, continuation, rejected, records: what the file's lines are; None
            where they could not be counted.
        status: LOADED, FAILED, or `replaced` (it failed, and the file has other bytes now).
    """

    batch_id: str
    source: str = ""
    entity: str = ""
    source_file: str = ""
    landed_file: str | None = None
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

    @property
    def key(self) -> tuple[str, str | None]:
        """What identifies it among all batches, also those of a warehouse that was deleted."""
        return self.batch_id, self.sha256

    @property
    def is_loaded(self) -> bool:
        """Whether its records are in the raw tables."""
        return self.status == LOADED


def read_loads(connection: duckdb.DuckDBPyConnection) -> tuple[Load, ...]:
    """Every batch in load order; none before the first ingest.

    A lake may be older than a column of the ledger: then the field has its default.
    """
    if not has_table(connection, LEDGER):
        return ()
    cursor = connection.execute(f"select * from {LEDGER} order by batch_id")
    names = [column[0] for column in cursor.description or ()]
    known = {field.name for field in fields(Load)}
    loads = []
    for row in cursor.fetchall():
        values = {name: v for name, v in zip(names, row, strict=True) if name in known}
        for time in ("started_at", "finished_at"):
            if values.get(time) is not None:
                values[time] = values[time].replace(tzinfo=UTC)
        loads.append(Load(**values))
    return tuple(loads)


def batch_of(load: Load, records: int, accepted: int, *, since: datetime) -> Batch:
    """A loaded batch as a snapshot records it.

    Args:
        records, accepted: received, and of them those that became rows of the snapshot's tables.
        since: the publication since which the batch is behind the snapshot.
    """
    return Batch(
        batch_id=load.batch_id,
        entity=load.entity,
        source=load.source,
        source_file=load.source_file,
        landed_file=load.landed_file or "",
        sha256=load.sha256 or "",
        records=records,
        accepted=accepted,
        since=since,
    )


def load_of(batch: Batch) -> Load:
    """A batch that only a snapshot still records, as the ledger would have it."""
    return Load(
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
