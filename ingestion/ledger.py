"""The tables of schema raw: the ledger (one row per batch in raw._loads) and what goes with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from feature_store import ledger as ledger_table
from feature_store.ledger import LEDGER, BatchRecord
from ingestion.mapping import MARKS
from ingestion.readers.records import Reject
from recomart.shop.entities import CANCELLED, ENTITIES, LISTS

_TABLES = (
    "create schema if not exists raw",
    "create table if not exists raw._shop (entity varchar, key varchar, value varchar)",
    f"create table if not exists {LEDGER} "
    f"({', '.join(f'{name} {type}' for name, type in ledger_table.columns().items())})",
    # a lake may be older than a column
    *(
        f"alter table {LEDGER} add column if not exists {name} {type}"
        for name, type in ledger_table.columns().items()
    ),
    "create table if not exists raw._deliveries (transport_id varchar, _batch_id varchar)",
    """create table if not exists raw.rejects (
        batch_id varchar, source_file varchar, line bigint, byte_offset bigint,
        reason varchar, text varchar)""",
    """create table if not exists raw._contracts (
        batch_id varchar, entity varchar, check_name varchar, column_name varchar,
        failures bigint, records bigint)""",
    """create table if not exists raw._list_origins (
        entity varchar, _batch_id varchar, _record bigint, origin_record bigint)""",
    """create table if not exists raw._api (
        entity varchar, url varchar, etag varchar, checked_at timestamp)""",
    """create table if not exists raw._positions (
        entity varchar, source varchar, position varchar, reached_at timestamp)""",
)


def utc_now() -> datetime:
    """The wall clock as naive UTC, which is what TIMESTAMP columns hold."""
    return datetime.now(UTC).replace(tzinfo=None)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schema raw and its tables, where they are missing."""
    for statement in _TABLES:
        connection.execute(statement)
    for entity, columns in ENTITIES.items():
        listed = ", ".join(f"{name} varchar" for name in columns)
        connection.execute(
            f"create table if not exists raw.{entity} ({listed}, _batch_id varchar, "
            "_source_file varchar, _record bigint, _loaded_at timestamp)"
        )
        for name in columns:
            # a lake may be older than the column
            connection.execute(f"alter table raw.{entity} add column if not exists {name} varchar")
    for name, type in zip(MARKS, ("boolean", "varchar"), strict=True):
        connection.execute(f"alter table raw.{CANCELLED} add column if not exists {name} {type}")


def write_batches(connection: duckdb.DuckDBPyConnection, written: Sequence[BatchRecord]) -> None:
    """Add batches to the ledger, or replace their rows."""
    ids = [batch.batch_id for batch in written]
    connection.execute(f"delete from {LEDGER} where batch_id in (select unnest(?))", [ids])
    names = ledger_table.columns()
    marks = "(" + ", ".join("?" * len(names)) + ")"
    values = [_stored(value) for batch in written for value in astuple(batch)]
    connection.execute(
        f"insert into {LEDGER} ({', '.join(names)}) values {', '.join([marks] * len(written))}",
        values,
    )


def _stored(value: object) -> object:
    """A value as a column without a time zone takes it."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def read_versions(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str | None]]:
    """By entity: the version of each object of a remote source at its last load, by its key."""
    rows = connection.execute("select entity, url, etag from raw._api").fetchall()
    versions: dict[str, dict[str, str | None]] = {}
    for entity, key, version in rows:
        versions.setdefault(entity, {})[key] = version
    return versions


def write_version(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    key: str,
    version: str | None,
    keys: Collection[str],
) -> None:
    """Remember the version of an object that is loaded.

    Args:
        keys: those of all objects that the source has now; others are forgotten.
    """
    connection.execute("begin")
    connection.execute(
        "delete from raw._api where entity = ? and (url = ? or url not in (select unnest(?)))",
        [entity, key, list(keys)],
    )
    connection.execute(
        "insert into raw._api values (?, ?, ?, ?)", [entity, key, version, utc_now()]
    )
    connection.execute("commit")


def read_positions(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """By entity and kind of source: how far it was read."""
    rows = connection.execute("select entity, source, position from raw._positions").fetchall()
    return {(entity, source): position for entity, source, position in rows}


def write_position(
    connection: duckdb.DuckDBPyConnection, entity: str, source: str, position: str
) -> None:
    """Remember how far an entity's source was read.

    Args:
        source: its kind.
    """
    connection.execute("begin")
    connection.execute("delete from raw._positions where entity = ?", [entity])
    connection.execute(
        "insert into raw._positions values (?, ?, ?, ?)", [entity, source, position, utc_now()]
    )
    connection.execute("commit")


def write_rejects(
    connection: duckdb.DuckDBPyConnection, batch: BatchRecord, rejects: list[Reject]
) -> None:
    """Add a batch's broken lines to raw.rejects."""
    if rejects:
        broken_lines = pa.table(
            {
                "line": [reject.line for reject in rejects],
                "byte_offset": [reject.byte_offset for reject in rejects],
                "reason": [reject.reason for reject in rejects],
                "text": [reject.text for reject in rejects],
            }
        )
        connection.register("broken_lines", broken_lines)
        connection.execute(
            "insert into raw.rejects select ?, ?, line, byte_offset, reason, text from broken_lines",
            [batch.batch_id, batch.source_file],
        )
        connection.unregister("broken_lines")


def has_facts(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any rating, order line or event was loaded."""
    facts = (entity for entity in ENTITIES if entity not in LISTS.values())
    some = " union all ".join(f"(select 1 from raw.{entity} limit 1)" for entity in facts)
    return connection.execute(some).fetchone() is not None


def delete_rows(connection: duckdb.DuckDBPyConnection, batch: BatchRecord) -> None:
    """Delete what a batch brought, so that its landed bytes can be loaded again."""
    connection.execute(f"delete from raw.{batch.entity} where _batch_id = ?", [batch.batch_id])
    connection.execute("delete from raw.rejects where batch_id = ?", [batch.batch_id])
    connection.execute("delete from raw._contracts where batch_id = ?", [batch.batch_id])
    connection.execute("delete from raw._list_origins where _batch_id = ?", [batch.batch_id])
