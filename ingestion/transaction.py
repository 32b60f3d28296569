"""Landed batches into the warehouse: rows, rejects, contract results and ledger rows, or nothing."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from feature_store.ledger import LOADED, BatchRecord
from ingestion import contracts, ledger, raw_rows
from ingestion.declaration import Declaration
from ingestion.readers.reader import DeclaredFile, Reading
from ingestion.readers.records import LineCounts
from ingestion.sources import kind_of
from recomart.errors import SourceError
from recomart.shop.model import ENTITIES

log = logging.getLogger(__name__)

MOST_NAMES = 100
"""Of the columns that are not declared, at most this many are named in the ledger."""


@dataclass(frozen=True)
class ReadyBatch:
    """A batch that waits for its load: its bytes are landed, and its header is checked.

    Args:
        batch: its ledger row so far.
        names: of its header; empty for formats without one.
    """

    batch: BatchRecord
    path: Path
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedBatches:
    """Loaded batches as the ledger has them, and the seconds that their contracts took."""

    batches: tuple[BatchRecord, ...]
    contract_seconds: float = 0.0


class NothingNew(Exception):
    """The warehouse has every record of a batch already."""


def load_batches(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    ready: Sequence[ReadyBatch],
    *,
    again: bool = False,
    only_news: bool = False,
) -> LoadedBatches:
    """Load batches of one entity in one transaction, with their ledger rows: all of them, or none.

    Args:
        again: the batches were loaded before, with another declaration; their rows are replaced.
        only_news: refuse batches of which every record is there already.

    Raises:
        SourceError: a file cannot be taken; the warehouse is as it was.
        NothingNew: as `only_news` says; the warehouse is as it was.
        duckdb.Error: the warehouse cannot take it (memory, disk); it is as it was.
    """
    connection.execute("begin")
    try:
        done = [_load_one(connection, declared, one, again) for one in ready]
        if only_news and not _has_news(connection, declared.entity, [b.batch_id for b in done]):
            raise NothingNew
        started = time.perf_counter()
        contracts.check(connection, declared, done)
        seconds = time.perf_counter() - started
        finished_at = ledger.utc_now()
        done = [replace(batch, finished_at=finished_at) for batch in done]
        ledger.write_batches(connection, done)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    for batch in done:
        log.info(
            "batch %s: %s: %d records, %d rejected, %d filtered",
            batch.batch_id, batch.source_file, batch.records, batch.rejected, batch.filtered or 0,
        )  # fmt: skip
    return LoadedBatches(tuple(done), seconds)


def _load_one(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    ready: ReadyBatch,
    again: bool,
) -> BatchRecord:
    batch = ready.batch
    counts = LineCounts(name=batch.source_file)
    if again:
        ledger.delete_rows(connection, batch)
    reader = kind_of(declared).reader(declared.source)
    records = reader.records(
        DeclaredFile(ready.path, batch.source_file, declared),
        Reading(connection, ready.names, counts),
    )
    written = raw_rows.write(connection, declared, batch, records)
    counts.check_share(batch.source_file)
    records.check()
    counts.check_balance(batch.source_file)
    undeclared = None
    if declared.origin is None and (found := records.undeclared()):
        # of bytes that several entities are made from, the batch of their own entity names them
        undeclared = json.dumps(dict(list(found.items())[:MOST_NAMES]), ensure_ascii=False)
        log.warning(
            "batch %s: %s: %s.columns does not declare %s",
            batch.batch_id, batch.source_file, batch.entity, undeclared,
        )  # fmt: skip
    if declared.distinct:
        # its lines are accounted for in the batch of the entity that it is made from
        written = replace(written, filtered=0)
        counts = LineCounts(lines=written.rows, records=written.rows)
    if written.rows + written.filtered != counts.records:
        raise SourceError(
            f"{batch.source_file} has {counts.records:,} records, but "
            f"{written.rows + written.filtered:,} arrived",
            code="records-lost",
            help="nothing was loaded from it; please report this file",
        )
    ledger.write_rejects(connection, batch, counts.rejects)
    return replace(
        batch,
        lines=counts.lines,
        header=counts.header,
        blank=counts.blank,
        continuation=counts.continuation,
        rejected=counts.rejected,
        records=counts.records,
        status=LOADED,
        error=None,
        mapping=declared.mapping,
        filtered=written.filtered if declared.source.where else None,
        undeclared=undeclared,
        lookups=_lookups(declared),
        unmatched=written.unmatched if declared.lookups else None,
    )


def _lookups(declared: Declaration[Any]) -> str | None:
    """The bytes that records were looked up in, as the ledger names them."""
    files = {file.source_file: file.sha256 for one in declared.lookups for file in one.files}
    return json.dumps(files, ensure_ascii=False) if files else None


def _has_news(connection: duckdb.DuckDBPyConnection, entity: str, batches: list[str]) -> bool:
    listed = ", ".join(ENTITIES[entity])
    row = connection.execute(
        f"select 1 from (select {listed} from raw.{entity} where _batch_id in (select unnest(?))\n"
        f"except select {listed} from raw.{entity} where _batch_id not in (select unnest(?))) "
        "limit 1",
        [batches, batches],
    ).fetchone()
    return row is not None
