"""What is in quarantine: rows that broke a hard rule, and lines that could not be read.

Cancellations that match no purchase are listed along, because someone should look at them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import duckdb

from feature_store.ledger import read_batches
from recomart.errors import NotReady, UnknownName
from recomart.settings import Settings
from recomart.shop.entities import CANCELLED, ENTITIES
from recomart.warehouse import has_table, warehouse

CANCELS_NOTHING = "cancels_nothing"
"""What is listed of cancellations that match no purchase: they are in no quarantine table."""
LISTED = 12
"""Names that an error lists when none is near."""


@dataclass(frozen=True)
class ReasonCount:
    """How many rows are in quarantine for one reason.

    Args:
        entity: None for unreadable lines, which did not become records.
        rows: how many have this reason. A row with two reasons counts under both.
        batches: in how many batches these rows arrived.
    """

    entity: str | None
    reason: str
    rows: int
    batches: int


@dataclass(frozen=True)
class QuarantinedRow:
    """One row as received, or one rejected line.

    Args:
        entity: None for a rejected line.
        place: the record's number in its file, or the line's.
        values: (column, text as received); a rejected line has one, named `text`. The texts may
            hold anything: show them through `quality.plain_text.one_line`.
    """

    entity: str | None
    reasons: tuple[str, ...]
    batch_id: str
    source_file: str
    place: int | None
    values: tuple[tuple[str, str | None], ...]


def counts(settings: Settings, batch: str | None = None) -> list[ReasonCount]:
    """Rows per entity and reason, most first within an entity; rejected lines last.

    Raises:
        NotReady: no warehouse, or nothing was transformed yet.
        UnknownName: no batch has this id.
    """
    with warehouse(settings, read_only=True) as connection:
        _check_ready(connection)
        _check_batch(connection, batch)
        return _counts(connection, batch)


def rows(
    settings: Settings,
    entity: str | None,
    reason: str | None = None,
    limit: int = 20,
    batch: str | None = None,
) -> list[QuarantinedRow]:
    """The first rows by batch and place, at most `limit`; entity None for rejected lines.

    Raises:
        NotReady: no warehouse, or nothing was transformed yet.
        UnknownName: no such entity, reason or batch; names the nearest.
    """
    if entity is not None and entity not in ENTITIES:
        raise _unknown("entity", entity, list(ENTITIES))
    with warehouse(settings, read_only=True) as connection:
        _check_ready(connection)
        _check_batch(connection, batch)
        _check_reason(connection, reason)
        if entity is None:
            return _rejected(connection, reason, batch, limit)
        return _quarantined(connection, entity, reason, batch, limit)


def _counts(connection: duckdb.DuckDBPyConnection, batch: str | None) -> list[ReasonCount]:
    found = []
    for entity in ENTITIES:
        found += [
            ReasonCount(entity, *row)
            for row in connection.execute(
                "select reason, count(*), count(distinct _batch_id) from ("
                "  select unnest(string_split(reject_reasons, ',')) as reason, _batch_id"
                f" from {_set_aside(connection, entity)} where $1 is null or _batch_id = $1)"
                " group by reason order by 2 desc, 1",
                [batch],
            ).fetchall()
        ]
    rejected = connection.execute(
        "select reason, count(*), count(distinct batch_id) from raw.rejects"
        " where $1 is null or batch_id = $1 group by reason order by 2 desc, 1",
        [batch],
    ).fetchall()
    return found + [ReasonCount(None, *row) for row in rejected]


def _quarantined(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    reason: str | None,
    batch: str | None,
    limit: int,
) -> list[QuarantinedRow]:
    cursor = connection.execute(
        f"select * exclude (_loaded_at) from {_set_aside(connection, entity)}"
        " where ($1 is null or list_contains(string_split(reject_reasons, ','), $1))"
        " and ($2 is null or _batch_id = $2) order by _batch_id, _record limit $3",
        [reason, batch, limit],
    )
    names = [column[0] for column in cursor.description or ()]
    found = []
    for row in cursor.fetchall():
        value = dict(zip(names, row, strict=True))
        found.append(
            QuarantinedRow(
                entity=entity,
                reasons=tuple(value.pop("reject_reasons").split(",")),
                batch_id=value.pop("_batch_id"),
                source_file=value.pop("_source_file"),
                place=value.pop("_record"),
                values=tuple(value.items()),
            )
        )
    return found


def _set_aside(connection: duckdb.DuckDBPyConnection, entity: str) -> str:
    """An entity's quarantine as SQL; of order lines, also the cancellations that cancel nothing."""
    quarantine, aside = f"quality.quarantine_{entity}", f"intermediate.int_{entity}__set_aside"
    if entity != CANCELLED or not has_table(connection, aside):
        return quarantine
    return (
        f"(from {quarantine} union all by name"
        f" select {', '.join(ENTITIES[entity])}, '{CANCELS_NOTHING}' as reject_reasons,"
        f" _batch_id, _source_file, _record, _loaded_at from raw.{entity} semi join"
        f" (from {aside} where outcome = '{CANCELS_NOTHING}') using (_batch_id, _record))"
    )


def _rejected(
    connection: duckdb.DuckDBPyConnection, reason: str | None, batch: str | None, limit: int
) -> list[QuarantinedRow]:
    found = connection.execute(
        "select reason, batch_id, source_file, line, text from raw.rejects"
        " where ($1 is null or reason = $1) and ($2 is null or batch_id = $2)"
        " order by batch_id, line, byte_offset limit $3",
        [reason, batch, limit],
    ).fetchall()
    return [
        QuarantinedRow(None, (why,), batch_id, file, line, (("text", text),))
        for why, batch_id, file, line, text in found
    ]


def _check_ready(connection: duckdb.DuckDBPyConnection) -> None:
    if not all(has_table(connection, f"quality.quarantine_{entity}") for entity in ENTITIES):
        raise NotReady(
            "nothing was transformed yet, so no row was checked",
            help="run 'recomart transform' first",
        )


def _check_batch(connection: duckdb.DuckDBPyConnection, batch: str | None) -> None:
    if batch is None:
        return
    known = [load.batch_id for load in read_batches(connection)]
    if batch not in known:
        raise _unknown("batch", batch, known)


def _check_reason(connection: duckdb.DuckDBPyConnection, reason: str | None) -> None:
    """A reason that a rule gives is known even if no row has it: then the list is empty."""
    if reason is None:
        return
    known = {count.reason for count in _counts(connection, None)}
    if reason in known:
        return
    if has_table(connection, "quality.dq_rules"):
        codes = connection.execute(
            "select distinct code from quality.dq_rules where outcome = 'quarantined'"
        ).fetchall()
        known |= {row[0] for row in codes}
    if reason not in known:
        raise _unknown("reason", reason, sorted(known))


def _unknown(what: str, name: str, known: list[str]) -> UnknownName:
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    more = f" and {len(known) - LISTED:,} more" if len(known) > LISTED else ""
    listed = f"{', '.join(known[:LISTED])}{more}" if known else "none"
    return UnknownName(
        f"there is no {what} {name!r}",
        found=name,
        help=f"did you mean {', '.join(near)}?" if near else f"there are: {listed}",
        code=f"unknown-{what}",
    )
