"""The tables of schema raw, and the ledger: one row per batch in raw._loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.dbt_declaration import declare_to_dbt
from ingestion.readers.records import Reject
from recomart.rules.rulebook import every_rule, stop_of
from recomart.shop.entities import ENTITIES, LISTS
from recomart.shop.model import Shop
from recomart.sql import literal

_TABLES = (
    "create schema if not exists raw",
    "create table if not exists raw._shop (entity varchar, key varchar, value varchar)",
    """create table if not exists raw._loads (
        batch_id varchar, source varchar, entity varchar, source_file varchar,
        landed_file varchar, sha256 varchar, bytes bigint, lines bigint, header bigint,
        blank bigint, continuation bigint, rejected bigint, records bigint, status varchar,
        error varchar, started_at timestamp, finished_at timestamp, mapping varchar,
        deduplicated bigint, redelivered bigint)""",
    # a lake may be older than these
    "alter table raw._loads add column if not exists deduplicated bigint",
    "alter table raw._loads add column if not exists redelivered bigint",
    "create table if not exists raw._deliveries (transport_id varchar, _batch_id varchar)",
    """create table if not exists raw.rejects (
        batch_id varchar, source_file varchar, line bigint, byte_offset bigint,
        reason varchar, text varchar)""",
    """create table if not exists raw._contracts (
        batch_id varchar, entity varchar, check_name varchar, column_name varchar,
        failures bigint, records bigint)""",
    """create table if not exists raw._api (
        entity varchar, url varchar, etag varchar, checked_at timestamp)""",
)

LOADED, FAILED, REPLACED = "loaded", "failed", "replaced"
"""A batch's status. Replaced: it failed, and its source file has other bytes now, which are loaded."""


@dataclass(frozen=True)
class Load:
    """One row of raw._loads; the fields are its columns. Times are naive UTC."""

    batch_id: str
    source: str
    entity: str
    source_file: str
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
    mapping: str | None = None
    """mapping.fingerprint of the declaration that the rows were made with, or that made the batch
    fail; null when it was the machine that failed, and for segments, which need no declaration."""
    deduplicated: int | None = None
    """Of a segment: records that are not in raw.events, for they were there already."""
    redelivered: int | None = None
    """Of these, the same deliveries again, which a consumer that was killed had kept before."""

    @property
    def day(self) -> date:
        """The day under which the batch's file lands, UTC."""
        return (self.started_at or utc_now()).date()


def utc_now() -> datetime:
    """The wall clock as naive UTC, which is what TIMESTAMP columns hold."""
    return datetime.now(UTC).replace(tzinfo=None)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make schema raw with all its tables, where they are missing."""
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


def read_loads(connection: duckdb.DuckDBPyConnection) -> list[Load]:
    """Every batch so far, in load order."""
    listed = ", ".join(field.name for field in fields(Load))
    rows = connection.execute(f"select {listed} from raw._loads order by batch_id").fetchall()
    return [Load(*row) for row in rows]


def write_loads(connection: duckdb.DuckDBPyConnection, loads: Sequence[Load]) -> None:
    """Add batches to the ledger, or replace their rows."""
    batches = [load.batch_id for load in loads]
    connection.execute("delete from raw._loads where batch_id in (select unnest(?))", [batches])
    marks = "(" + ", ".join("?" * len(fields(Load))) + ")"
    values = [value for load in loads for value in astuple(load)]
    connection.execute(f"insert into raw._loads values {', '.join([marks] * len(loads))}", values)


@dataclass(frozen=True)
class Fetched:
    """One row of raw._api: first URL and tag of the last fetch that is all loaded."""

    entity: str
    url: str
    etag: str | None
    checked_at: datetime


def read_fetched(connection: duckdb.DuckDBPyConnection) -> dict[str, Fetched]:
    """The last fetch of each entity's catalogue."""
    rows = connection.execute("select entity, url, etag, checked_at from raw._api").fetchall()
    return {row[0]: Fetched(*row) for row in rows}


def write_fetched(connection: duckdb.DuckDBPyConnection, fetched: Fetched) -> None:
    """Remember a fetch in place of the entity's last one."""
    connection.execute("begin")
    connection.execute("delete from raw._api where entity = ?", [fetched.entity])
    connection.execute("insert into raw._api values (?, ?, ?, ?)", astuple(fetched))
    connection.execute("commit")


def newest_change(
    connection: duckdb.DuckDBPyConnection, entity: str, time_format: str
) -> str | None:
    """The newest updated_at among an entity's rows from its catalogue, as received.

    A time in the future is a mistake, and would hide all changes until then; it does not count.
    """
    parsed, latest = "try_cast(updated_at as double)", "epoch(now()) + 86400"
    if time_format == "iso":
        parsed, latest = "try_cast(updated_at as timestamptz)", "now() + interval 1 day"
    elif time_format == "epoch_milliseconds":
        latest = "1000 * (epoch(now()) + 86400)"
    elif time_format != "epoch_seconds":
        pattern = literal(time_format)
        parsed = f"try_strptime(updated_at, {pattern})"
        latest = "now()::timestamp + interval 1 day"
    row = connection.execute(
        f"select max_by(updated_at, {parsed}) from raw.{entity} where {parsed} <= {latest} and "
        "_batch_id in (select batch_id from raw._loads where source = 'api')"
    ).fetchone()
    return row[0] if row else None


def write_rejects(connection: duckdb.DuckDBPyConnection, load: Load, rejects: list[Reject]) -> None:
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
            [load.batch_id, load.source_file],
        )
        connection.unregister("broken_lines")


def has_facts(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether anything was loaded that tells who rated, bought or viewed what."""
    facts = (entity for entity in ENTITIES if entity not in LISTS.values())
    some = " union all ".join(f"(select 1 from raw.{entity} limit 1)" for entity in facts)
    return connection.execute(some).fetchone() is not None


def forget_rows(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    """Delete what a batch brought, so that it can be made anew from its landed bytes."""
    connection.execute(f"delete from raw.{load.entity} where _batch_id = ?", [load.batch_id])
    connection.execute("delete from raw.rejects where batch_id = ?", [load.batch_id])
    connection.execute("delete from raw._contracts where batch_id = ?", [load.batch_id])


def write_shop(
    connection: duckdb.DuckDBPyConnection, name: str, shop: Shop, *, ingesting: bool = True
) -> None:
    """Rewrite raw._shop, and the macro in the lake by which dbt knows the shop file and its rules.

    Args:
        ingesting: an `as_of` of 'now' becomes this moment; else it stays that of the last ingest.
    """
    low, high = shop.rating_scale
    now = None
    if shop.as_of == "now":
        now = (None if ingesting else _last_now(connection)) or _iso(datetime.now(UTC))
    as_of = _iso(shop.as_of) if isinstance(shop.as_of, datetime) else now or shop.as_of
    constants = {
        "name": name,
        "title": shop.title,
        "as_of": as_of,
        "now": now,
        "rating_min": f"{low:.15g}",
        "rating_max": f"{high:.15g}",
        "relevant_rating": f"{shop.likes_from:.15g}",
        "repeat_purchases": str(shop.repeat_purchases).lower(),
        "unknown_references": shop.unknown_references,
        "currency": shop.currency,
        "opened_at": shop.opened_at and _iso(shop.opened_at),
        "closed_at": shop.closed_at and _iso(shop.closed_at),
    }
    rows = [("", key, value) for key, value in constants.items() if value is not None]
    for entity, source in shop.sources().items():
        rows += [(entity, "declared", "true"), (entity, "time_format", source.time_format)]
    rows += [
        (rule.entity, "rule", rule.to_json(place)) for place, rule in enumerate(every_rule(shop))
    ]
    for entity in ENTITIES:
        share, least = stop_of(entity, shop)
        rows += [(entity, "stop_above", f"{share:.15g}"), (entity, "stop_from", str(least))]
    row = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    assert row is not None, "the warehouse is a file"
    rows.append(("", "declaration", declare_to_dbt(Path(row[0]).parent, shop)))
    connection.execute("begin")
    connection.execute("delete from raw._shop")
    marks = ", ".join("(?, ?, ?)" for _ in rows)
    connection.execute(f"insert into raw._shop values {marks}", [v for row in rows for v in row])
    connection.execute("commit")


def _last_now(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The moment that 'now' was at the last ingest; None before any, or when it was not declared."""
    row = connection.execute(
        "select max(value) from raw._shop where entity = '' and key = 'now'"
    ).fetchone()
    return row[0] if row else None


def _iso(moment: datetime) -> str:
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
