"""Landed batches into the warehouse: rows, rejects, contract results and ledger rows, or nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from feature_store.ledger import LOADED, BatchRecord
from ingestion import contracts, ledger, mapping
from ingestion.declaration import Declaration
from ingestion.readers.reader import DeclaredFile, Reading, Records
from ingestion.readers.records import LineCounts
from ingestion.sources import kind_of
from recomart.errors import SourceError
from recomart.shop.model import ENTITIES, KEYS
from recomart.sql import literal

log = logging.getLogger(__name__)


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


class _Stream:
    """Batches on their way into DuckDB, which would lose the type of an error that they raise."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except BaseException as exc:
            self.error = exc
            raise


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
            "batch %s: %s: %d records, %d rejected",
            batch.batch_id, batch.source_file, batch.records, batch.rejected,
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
    inserted = _insert(connection, declared, batch, records)
    counts.check_share(batch.source_file)
    records.check()
    counts.check_balance(batch.source_file)
    if declared.distinct:
        # its lines are accounted for in the batch of the entity that it is made from
        counts = LineCounts(lines=inserted, records=inserted)
    if inserted != counts.records:
        raise SourceError(
            f"{batch.source_file} has {counts.records:,} records, but {inserted:,} arrived",
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
    )


def _has_news(connection: duckdb.DuckDBPyConnection, entity: str, batches: list[str]) -> bool:
    listed = ", ".join(ENTITIES[entity])
    row = connection.execute(
        f"select 1 from (select {listed} from raw.{entity} where _batch_id in (select unnest(?))\n"
        f"except select {listed} from raw.{entity} where _batch_id not in (select unnest(?))) "
        "limit 1",
        [batches, batches],
    ).fetchone()
    return row is not None


def _insert(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    batch: BatchRecord,
    records: Records,
) -> int:
    """Write the records into raw.<entity>; how many there were."""
    if isinstance(records.rows, str):
        return _insert_from(connection, declared, batch, records, records.rows)
    stream = _Stream(iter(records.rows))
    reader = pa.RecordBatchReader.from_batches(records.rows.schema, stream)
    connection.register("incoming", reader)
    try:
        return _insert_from(connection, declared, batch, records, "incoming")
    except (duckdb.Error, pa.ArrowException) as exc:
        if stream.error is not None:
            raise stream.error from None
        raise exc
    finally:
        connection.unregister("incoming")


def _insert_from(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    batch: BatchRecord,
    records: Records,
    relation: str,
) -> int:
    columns = mapping.select_list(declared.entity, declared.source, records.places)
    mapped = f"select {columns},\n    _record from {relation}"
    if declared.distinct:
        mapped = _entries(connection, declared, batch, mapped)
    inserted = connection.execute(
        f"insert into raw.{declared.entity} by name select *,\n"
        f"    {literal(batch.batch_id)} as _batch_id, {literal(batch.source_file)} as _source_file,\n"
        f"    cast(? as timestamp) as _loaded_at\nfrom ({mapped})",
        [batch.started_at],
    ).fetchone()
    return int(inserted[0]) if inserted else 0


def _entries(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    batch: BatchRecord,
    mapped: str,
) -> str:
    """SQL of a made list's entries; writes which records each of them comes from.

    An entry gets the place where it was last seen, so that the one seen last is the newest.
    """
    listed = ", ".join(ENTITIES[declared.entity])
    key = " and ".join(f"{column} is not null" for column in KEYS[declared.entity])
    if declared.keeps_origins:
        connection.execute(
            f"create or replace temp table mapped_records as select * from ({mapped}) where {key}"
        )
        mapped = "from mapped_records"
        connection.execute(
            "insert into raw._list_origins select ?, ?, "
            f"max(_record) over (partition by {listed}), _record from mapped_records",
            [declared.entity, batch.batch_id],
        )
    return (
        f"select {listed}, max(_record) as _record from ({mapped}) where {key} "
        f"group by {listed} order by max(_record)"
    )
