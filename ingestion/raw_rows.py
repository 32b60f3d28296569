"""The records of a landed file into the raw table of their entity, by the mapping of the shop file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from feature_store.ledger import BatchRecord
from ingestion import mapping
from ingestion.declaration import Declaration
from ingestion.fill_down import filled
from ingestion.lookup_table import joined
from ingestion.readers.reader import Records
from recomart.shop.model import ENTITIES, KEYS
from recomart.sql import literal


@dataclass(frozen=True)
class Written:
    """What became of the records of a batch.

    Args:
        rows: how many are in the raw table now.
        filtered: how many the source's `where` left out.
        unmatched: for how many a lookup has nothing.
    """

    rows: int
    filtered: int = 0
    unmatched: int = 0


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


def write(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    batch: BatchRecord,
    records: Records,
) -> Written:
    """Write the records into raw.<entity>. The caller opens the transaction.

    Raises:
        SourceError: what reading the records raises.
        duckdb.Error: the warehouse cannot take them (memory, disk).
    """
    with incoming(connection, records) as relation:
        return _write_from(connection, declared, batch, records, relation)


@contextmanager
def incoming(connection: duckdb.DuckDBPyConnection, records: Records) -> Iterator[str]:
    """SQL of the records, to be read once.

    Raises:
        SourceError: what reading the records raises.
    """
    if isinstance(records.rows, str):
        yield records.rows
        return
    stream = _Stream(iter(records.rows))
    reader = pa.RecordBatchReader.from_batches(records.rows.schema, stream)
    connection.register("incoming", reader)
    try:
        yield "incoming"
    except (duckdb.Error, pa.ArrowException) as exc:
        if stream.error is not None:
            raise stream.error from None
        raise exc
    finally:
        connection.unregister("incoming")


def _write_from(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    batch: BatchRecord,
    records: Records,
    relation: str,
) -> Written:
    places, unmatched = records.places, 0
    relation = filled(declared.source, places, relation)
    if declared.lookups:
        found = joined(declared.lookups, places, relation)
        connection.execute(
            "create or replace temp table joined_records as "
            f"select * from {found.relation} order by _record"
        )
        matched = " and ".join(found.found)
        unmatched = _count(connection, f"select count(*) from joined_records where not ({matched})")
        relation, places = "joined_records", found.places
    columns = mapping.select_list(declared.entity, declared.source, places)
    mapped, filtered = f"select {columns},\n    _record from {relation}", 0
    if declared.source.where:
        # a stream of records is read once: so both kinds are counted, and neither is inferred
        taken = mapping.is_taken(declared.source, places)
        connection.execute(
            f"create or replace temp table mapped_records as select {columns},\n"
            f"    _record, {taken} as is_taken from {relation}"
        )
        filtered = _count(connection, "select count(*) from mapped_records where not is_taken")
        mapped = "select * exclude (is_taken) from mapped_records where is_taken"
    if declared.source.adds_up:
        mapped = f"select {mapping.numbered_keys(declared.entity)} from ({mapped})"
    if declared.distinct:
        mapped = _entries(connection, declared, batch, mapped)
    rows = _count(
        connection,
        f"insert into raw.{declared.entity} by name select *,\n"
        f"    {literal(batch.batch_id)} as _batch_id, {literal(batch.source_file)} as _source_file,\n"
        f"    cast(? as timestamp) as _loaded_at\nfrom ({mapped})",
        batch.started_at,
    )
    return Written(rows, filtered, unmatched)


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
            f"create or replace temp table listed_records as select * from ({mapped}) where {key}"
        )
        mapped = "from listed_records"
        connection.execute(
            "insert into raw._list_origins select ?, ?, "
            f"max(_record) over (partition by {listed}), _record from listed_records",
            [declared.entity, batch.batch_id],
        )
    return (
        f"select {listed}, max(_record) as _record from ({mapped}) where {key} "
        f"group by {listed} order by max(_record)"
    )


def _count(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> int:
    row = connection.execute(sql, list(parameters)).fetchone()
    return int(row[0]) if row else 0
