"""How far the data can be trusted: freshness, the user-item matrix, and unusual values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from feature_store.ledger import BatchRecord
from quality.report.content import Content
from quality.report.inputs import Inputs
from quality.report.matrix import Matrix, draw_matrix, read_matrix
from quality.report.pages import account
from quality.report.paper import GREY, Paper
from quality.report.paper_table import Column, draw_table
from quality.report.quoting import plain, quoted
from quality.report.reasons import Example
from quality.report.report import Report
from quality.report.source_account import SourceAccount
from quality.report.tables import Row, Tables
from quality.report.words import moment, reason, share
from recomart.shop.model import ENTITIES

EXAMPLES, MOST_FLAGS = 3, 16
"""Examples of a flag that are read, and flags that are drawn."""
_NEWEST = {
    "users": ("marts.dim_users", "signed_up_at"),
    "products": ("marts.dim_products", "updated_at"),
    "ratings": ("marts.fct_ratings", "rated_at"),
    "transactions": ("marts.fct_transactions", "ordered_at"),
    "events": ("marts.fct_events", "occurred_at"),
}


class Freshness(Content):
    """How old the newest accepted record of a source is, by the shop's clock."""

    source: str
    entity: str
    newest: datetime | None
    days_behind: float | None
    last_load: datetime | None


class Flag(Content):
    """Values that a soft rule marked; they were kept."""

    entity: str
    column: str | None
    code: str
    words: str
    count: int
    share: float | None
    then: int | None
    examples: tuple[Example, ...]


class Trust(Content):
    """What the page says."""

    freshness: tuple[Freshness, ...]
    matrix: Matrix | None
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]


class TrustPage:
    """The fourth page."""

    name = "trust"
    order = 40
    content = Trust

    def read(self, inputs: Inputs) -> Trust:
        """Freshness, the matrix and the flags; what is not known yet is in the notes."""
        tables, earlier = inputs.tables, inputs.earlier_content(self)
        notes = []
        matrix = read_matrix(tables)
        if matrix is None:
            notes.append("Users and products are not known before the first transform.")
        if not tables.has("quality.dq_flags"):
            notes.append("No soft rules have run: the warehouse has no table of flags yet.")
        sources = inputs.content(account.PAGE).sources
        return Trust(
            freshness=read_freshness(tables, sources, inputs.loads, inputs.as_of),
            matrix=matrix,
            flags=read_flags(tables, inputs.rules, earlier.flags if earlier else None),
            notes=tuple(notes),
        )

    def draw(self, paper: Paper, report: Report) -> None:
        """Three sections: freshness, users and products, unusual values."""
        trust = report.of(self)
        paper.part(
            "How far the data can be trusted",
            "How fresh the data is, how much there is of each user and product, and what looks "
            "unusual.",
            115 + 6 * len(trust.freshness) + 8 * min(len(trust.flags), MOST_FLAGS),
        )
        _draw_freshness(paper, trust.freshness)
        if trust.matrix:
            draw_matrix(paper, trust.matrix)
        paper.section("Unusual values, flagged and kept")
        if trust.flags:
            _draw_flags(paper, trust.flags[:MOST_FLAGS])
        elif not any("soft rules" in note for note in trust.notes):
            paper.pen(9)
            paper.paragraph("None: every value is within its usual bounds.")
        for note in trust.notes:
            paper.pen(8.5, colour=GREY)
            paper.paragraph(note, space=0.5)


def read_freshness(
    tables: Tables,
    sources: Sequence[SourceAccount],
    loads: Iterable[BatchRecord],
    as_of: datetime | None,
) -> tuple[Freshness, ...]:
    """The newest accepted time of each source and how far it is behind the shop's clock."""
    last_load: dict[tuple[str, str], datetime] = {}
    for load in loads:
        if load.is_loaded and load.finished_at:
            key = (load.source, load.entity)
            last_load[key] = max(load.finished_at, last_load.get(key, load.finished_at))
    fresh = []
    for source in sources:
        table, column = _NEWEST[source.entity]
        row = tables.row(f"select max({column}) as newest from {table}", needs=table)
        newest = row["newest"].replace(tzinfo=UTC) if row and row["newest"] else None
        behind = (as_of - newest).total_seconds() / 86400 if as_of and newest else None
        fresh.append(
            Freshness(
                source=source.source,
                entity=source.entity,
                newest=newest,
                days_behind=None if behind is None else round(behind, 3),
                last_load=last_load.get((source.source, source.entity)),
            )
        )
    return tuple(fresh)


def read_flags(
    tables: Tables, rules: Mapping[str, Row], earlier: Iterable[Flag] | None
) -> tuple[Flag, ...]:
    """Flagged values, and references that the shop keeps though its list lacks them."""
    then = {(f.entity, f.code): f.count for f in earlier} if earlier is not None else None
    found = tables.rows(
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


def _draw_freshness(paper: Paper, freshness: Sequence[Freshness]) -> None:
    paper.section("Freshness, by the shop's clock")
    columns = [
        Column("Source", 48),
        Column("Newest record used", 48),
        Column("Behind the clock", 40, "R"),
        Column("Last load", 44, "R"),
    ]
    rows = [
        (
            f"{fresh.entity} ({fresh.source})",
            moment(fresh.newest) if fresh.newest else "no time given",
            _behind(fresh.days_behind),
            moment(fresh.last_load) if fresh.last_load else "never",
        )
        for fresh in freshness
    ]
    draw_table(paper, columns, rows)


def _behind(days: float | None) -> str:
    if days is None:
        return "–"
    if days < 1 / 24:
        return "less than an hour"
    return f"{24 * days:.0f} hours" if days < 2 else f"{days:,.0f} days"


def _draw_flags(paper: Paper, flags: Sequence[Flag]) -> None:
    columns = [
        Column("Source", 23),
        Column("Rule", 60, wrap=True),
        Column("Flagged", 16, "R"),
        Column("Share", 12, "R"),
        Column("Then", 14, "R"),
        Column("", 3),
        Column("For example", 52, font="mono"),
    ]
    rows = [
        (
            flag.entity,
            flag.words,
            f"{flag.count:,}",
            share(flag.share) if flag.share is not None else "–",
            "–" if flag.then is None else f"{flag.then:,}",
            "",
            ", ".join(example.text for example in flag.examples),
        )
        for flag in flags
    ]
    draw_table(paper, columns, rows, 7.5)


PAGE = TrustPage()
