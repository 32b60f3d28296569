"""What the warehouse remembers of loads and of dbt's runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from feature_store.snapshots import Batch
from recomart.settings import Settings
from recomart.warehouse import warehouse

LOADED, FAILED = "loaded", "failed"

_LOADS = """
    select batch_id, entity, source, source_file, landed_file, sha256, bytes, records, status,
        error, started_at, finished_at
    from raw._loads
    order by batch_id
"""
_RUNS = """
    select invocation_id, started_at, finished_at
    from quality.dbt_runs
    where finished_at is not null
"""


@dataclass(frozen=True)
class Load:
    """One batch: a file or a fetch, as it landed. Times are UTC.

    Args:
        landed_file: the bytes as received, relative to the lake; None when nothing could land.
        records: None where they could not be counted.
    """

    batch_id: str
    entity: str
    source: str
    source_file: str
    landed_file: str | None
    sha256: str | None
    bytes: int | None
    records: int | None
    status: str
    error: str | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def key(self) -> tuple[str, str | None]:
        """What tells it from every other batch, also of a warehouse that was made anew."""
        return self.batch_id, self.sha256


@dataclass(frozen=True)
class Ledger:
    """Batches in load order, and when each of dbt's runs started and ended."""

    loads: tuple[Load, ...]
    runs: dict[str, tuple[datetime, datetime]]


def read_ledger(settings: Settings) -> Ledger:
    """The ledger; empty where there is no warehouse (any more).

    Raises:
        WarehouseLocked: another process writes to it.
    """
    if not settings.warehouse.exists():
        return Ledger((), {})
    with warehouse(settings, read_only=True) as connection:
        loads = _rows(connection, "raw._loads", _LOADS)
        runs = _rows(connection, "quality.dbt_runs", _RUNS)
    times = ("started_at", "finished_at")
    return Ledger(
        tuple(Load(**{**row, **{time: _utc(row[time]) for time in times}}) for row in loads),
        {
            row["invocation_id"]: (
                row["started_at"].replace(tzinfo=UTC),
                row["finished_at"].replace(tzinfo=UTC),
            )
            for row in runs
        },
    )


def load_of(batch: Batch) -> Load:
    """A batch that only a snapshot remembers."""
    return Load(
        batch_id=batch.batch_id,
        entity=batch.entity,
        source=batch.source,
        source_file=batch.source_file,
        landed_file=batch.landed_file,
        sha256=batch.sha256,
        bytes=None,
        records=batch.records,
        status=LOADED,
        error=None,
        started_at=batch.since,
        finished_at=batch.since,
    )


def _rows(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> list[dict[str, Any]]:
    known = connection.execute(
        "select 1 from information_schema.tables where table_schema || '.' || table_name = ?",
        [table],
    ).fetchone()
    return connection.execute(query).to_arrow_table().to_pylist() if known else []


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)
