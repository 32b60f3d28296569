"""The stream's segments on their way in: those that were sealed since the last ingest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from ingestion import ledger
from ingestion.batch import Landed
from ingestion.batches import Batches, groups
from ingestion.failures import FAILURES, explained
from ingestion.ledger import Load
from ingestion.sources import segments
from recomart.files import sha256_of
from recomart.streams import EVENTS, SEALED


def fold(connection: duckdb.DuckDBPyConnection, batches: Batches, raw: Path) -> None:
    """Load the stream's segments that were sealed since the last ingest, oldest first."""
    paths = sorted((raw / EVENTS).glob(f"ingest_date=*/*{SEALED}"))
    waiting: list[Landed] = []
    for path in paths:
        landed_file = batches.zone.relative(path)
        before = batches.segments.get(landed_file)
        if before is None or before.status != ledger.LOADED:
            waiting.append(Landed(_load_of(batches, path, landed_file, before), path))
    for group in groups(waiting):
        _fold_group(connection, batches, group)


def _fold_group(
    connection: duckdb.DuckDBPyConnection, batches: Batches, group: list[Landed]
) -> None:
    """Fold segments together; when one of them is damaged, each by itself."""
    try:
        batches.took(segments.fold(connection, group))
    except FAILURES as exc:
        if len(group) > 1:
            for one in group:
                _fold_group(connection, batches, [one])
            return
        load = group[0].load
        ledger.write_loads(connection, [batches.failure(load, explained(load.source_file, exc))])


def _load_of(batches: Batches, path: Path, landed_file: str, before: Load | None) -> Load:
    if before is not None:
        return replace(before, started_at=ledger.utc_now())
    return Load(
        batch_id=batches.next_id(),
        source=segments.SOURCE,
        entity=segments.ENTITY,
        source_file=landed_file,
        landed_file=landed_file,
        sha256=sha256_of(path),
        bytes=path.stat().st_size,
        started_at=ledger.utc_now(),
    )
