"""The table raw._shop: what dbt reads of the shop file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingestion.dbt_declaration import declare_to_dbt
from recomart.rules.rulebook import every_rule, stop_of
from recomart.shop.entities import ENTITIES
from recomart.shop.model import Shop


def write_shop(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    shop: Shop,
    *,
    ingesting: bool = True,
    at: datetime | None = None,
) -> None:
    """Rewrite raw._shop, and the macro in the lake by which dbt knows the shop file's rules and columns.

    Args:
        ingesting: an `as_of` of 'now' becomes this moment; else it stays that of the last ingest.
        at: this moment, after which everything is the future; by the wall clock if it is None.
    """
    low, high = shop.rating_scale
    this_moment = _iso(at or datetime.now(UTC))
    now = None
    if shop.as_of == "now":
        now = (None if ingesting else _last_now(connection)) or this_moment
    as_of = _iso(shop.as_of) if isinstance(shop.as_of, datetime) else now or shop.as_of
    constants = {
        "name": name,
        "title": shop.title,
        "as_of": as_of,
        "now": now,
        "judged_at": this_moment,
        "rating_min": f"{low:.15g}",
        "rating_max": f"{high:.15g}",
        "relevant_rating": f"{shop.likes_from:.15g}",
        "repeat_purchases": str(shop.repeat_purchases).lower(),
        "unknown_references": shop.unknown_references,
        "currency": shop.currency,
        "opened_at": shop.opened_at and _iso(shop.opened_at),
        "closed_at": shop.closed_at and _iso(shop.closed_at),
        "amber_below": f"{shop.verdict.amber_below:.15g}",
        "red_below": f"{shop.verdict.red_below:.15g}",
    }
    rows = [("", key, value) for key, value in constants.items() if value is not None]
    for entity, source in shop.sources().items():
        rows += [(entity, "declared", "true"), (entity, "time_format", source.time_format)]
        if source.time_zone is not None:
            rows.append((entity, "time_zone", source.time_zone))
        rows += [(entity, "repeats", source.repeats)] if source.repeats else []
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
