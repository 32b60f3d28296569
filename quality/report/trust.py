"""Page 4: how fresh the data is, how much of it speaks of each user and product, what looks odd."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from quality.report.content import (
    Activity,
    Example,
    Flag,
    Freshness,
    Matrix,
    SourceAccount,
    Trust,
)
from quality.report.quoting import plain, quoted
from quality.report.reading import Reader, Row
from quality.report.words import reason
from recomart.shop.model import ENTITIES

_NEWEST = {
    "users": ("marts.dim_users", "signed_up_at"),
    "products": ("marts.dim_products", "updated_at"),
    "ratings": ("marts.fct_ratings", "rated_at"),
    "transactions": ("marts.fct_transactions", "ordered_at"),
    "events": ("marts.fct_events", "occurred_at"),
}
_BUCKETS = (("none", 0, 0), ("1 to 4", 1, 4), ("5 to 19", 5, 19), ("20 to 99", 20, 99))
_MOST = "100 or more"
EXAMPLES = 3


def read_trust(
    reader: Reader,
    sources: Sequence[SourceAccount],
    as_of: datetime | None,
    rules: dict[str, Row],
    earlier: Trust | None,
) -> Trust:
    """Freshness, the user-item matrix and the flags; what cannot be told yet is in the notes."""
    notes = []
    matrix = read_matrix(reader)
    if matrix is None:
        notes.append("Nothing can be said of users and products before the first transform.")
    if not reader.has("quality.dq_flags"):
        notes.append("No soft rules have run: the warehouse has no table of flags yet.")
    return Trust(
        freshness=read_freshness(reader, sources, as_of),
        matrix=matrix,
        flags=_flags(reader, rules, earlier),
        notes=tuple(notes),
    )


def read_shop_clock(reader: Reader) -> datetime | None:
    """The shop's as_of, UTC; None before the first transform."""
    row = reader.row("select as_of from marts.dim_shop limit 1", needs="marts.dim_shop")
    return row["as_of"].replace(tzinfo=UTC) if row and row["as_of"] else None


def read_freshness(
    reader: Reader, sources: Sequence[SourceAccount], as_of: datetime | None
) -> tuple[Freshness, ...]:
    """The newest accepted time of each source and how far it is behind the shop's clock."""
    loads = {
        (row["source"], row["entity"]): row["last"]
        for row in reader.rows(
            "select source, entity, max(finished_at) as last from raw._loads"
            " where status = 'loaded' group by all",
            needs="raw._loads",
        )
    }
    fresh = []
    for source in sources:
        table, column = _NEWEST[source.entity]
        row = reader.row(f"select max({column}) as newest from {table}", needs=table)
        newest = row["newest"].replace(tzinfo=UTC) if row and row["newest"] else None
        behind = (as_of - newest).total_seconds() / 86400 if as_of and newest else None
        last = loads.get((source.source, source.entity))
        fresh.append(
            Freshness(
                source=source.source,
                entity=source.entity,
                newest=newest,
                days_behind=None if behind is None else round(behind, 3),
                last_load=last.replace(tzinfo=UTC) if last else None,
            )
        )
    return tuple(fresh)


def read_matrix(reader: Reader) -> Matrix | None:
    """Sizes of the user-item matrix; None before the first transform.

    Pairs are counted by the hash of user and product: 8 bytes a pair, and among 10 million pairs
    less than one in a hundred thousand reports would be off by one.
    """
    needs = "marts.fct_interactions marts.dim_users marts.dim_products"
    row = reader.row(
        """
        select
            (select count(*) from marts.dim_users) as users,
            (select count(*) from marts.dim_products) as products,
            (
                select count(distinct hash(user_id, product_id))
                from marts.fct_interactions where kind <> 'impression'
            ) as pairs
        """,
        needs=needs,
    )
    if row is None:
        return None
    cells = row["users"] * row["products"]
    return Matrix(
        users=row["users"],
        products=row["products"],
        pairs=row["pairs"],
        filled=row["pairs"] / cells if cells else 0.0,
        activity=(
            _activity(reader, "users", "user_id", row["users"]),
            _activity(reader, "products", "product_id", row["products"]),
        ),
    )


def _activity(reader: Reader, of: Literal["users", "products"], key: str, total: int) -> Activity:
    counts = ", ".join(
        f"count(*) filter (n between {low} and {high}) as {name!r}".replace("'", '"')
        for name, low, high in _BUCKETS[1:]
    )
    row = reader.row(
        f"""
        select {counts}, count(*) filter (n >= 100) as "{_MOST}"
        from (
            select {key}, count(*) as n from marts.fct_interactions
            where kind <> 'impression' group by 1
        )
        """
    )
    found = {name: int(count) for name, count in (row or {}).items()}
    buckets = (("none", max(total - sum(found.values()), 0)), *found.items())
    return Activity(of=of, total=total, buckets=buckets)


def _flags(reader: Reader, rules: dict[str, Row], earlier: Trust | None) -> tuple[Flag, ...]:
    """Flagged values, and references that the shop keeps though its list lacks them."""
    then = {(f.entity, f.code): f.count for f in earlier.flags} if earlier else None
    found = reader.rows(
        f"""
        select entity, column_name, code, count(*) as count,
            min((_batch_id, _record, left(value, 200), length(value)), {EXAMPLES}) as first
        from quality.dq_flags group by entity, column_name, code
        order by count desc, entity, code
        """,
        needs="quality.dq_flags",
    )
    flags = []
    for row in found:
        entity, code = row["entity"], plain(row["code"], 80)
        rule = rules.get(f"{entity}.{code}", {})
        checked = rule.get("checked")
        examples = [
            Example(
                text=quoted(value if value is not None else "", 40, length),
                where=f"batch {batch}, record {record:,}",
            )
            for batch, record, value, length in sorted(row["first"], key=lambda r: r[:2])
        ]
        flags.append(
            Flag(
                entity=entity,
                column=row["column_name"],
                code=code,
                words=plain(rule.get("words") or reason(code, ENTITIES.get(entity, ()))),
                count=row["count"],
                share=row["count"] / checked if checked else None,
                then=then.get((entity, code), 0) if then is not None else None,
                examples=tuple(examples),
            )
        )
    flags += [
        Flag(
            entity=rule["entity"],
            column=rule["column_name"],
            code=plain(rule["code"], 80),
            words=plain(rule["words"]),
            count=rule["failed"],
            share=rule["failed"] / rule["checked"],
            then=then.get((rule["entity"], rule["code"]), 0) if then is not None else None,
            examples=(),
        )
        for rule in rules.values()
        if rule["kind"] == "reference" and rule["outcome"] == "kept" and rule["failed"]
    ]
    return tuple(sorted(flags, key=lambda flag: (-flag.count, flag.entity, flag.code)))
