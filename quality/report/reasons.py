"""Why records were quarantined and lines could not be read, each reason with three examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from feature_store.ledger import BatchRecord
from quality.report.content import Content
from quality.report.paper import GREY, MARGIN, WIDTH, Paper
from quality.report.quoting import plain, quoted
from quality.report.tables import Row, Tables
from quality.report.words import column_of, counted, line_reason, number, reason, share
from recomart.shop.model import ENTITIES
from recomart.sql import identifier, literal

EXAMPLES = 3
VALUE, LINE = 32, 100
"""Characters of a value and of a line that an example shows."""
MOST_FURTHER = 40
"""Reasons in the appendix; report.json has them all."""
Place = tuple[str, int, int]
_PATTERN = r"regexp_replace(split_part(left(reason, 200), ':', 1), '\d+', 'N', 'g')"
_REJECTS = f"""(
    select batch_id, coalesce(line, -1) as line, coalesce(byte_offset, -1) as byte,
        source_file, text, {_PATTERN} as pattern
    from raw.rejects
)"""


class Example(Content):
    """One record or line as received, quoted and shortened."""

    text: str
    where: str


class Reason(Content):
    """Why records were quarantined, or lines could not be read."""

    entity: str
    kind: Literal["quarantined", "rejected"]
    code: str
    column: str | None
    words: str
    rule: str | None
    count: int
    share: float
    then: int | None
    """The count at the last run."""
    examples: tuple[Example, ...]


def read_reasons(
    tables: Tables,
    loads: Sequence[BatchRecord],
    rules: Mapping[str, Row],
    records: Mapping[str, int],
    earlier: Iterable[Reason] | None,
) -> tuple[Reason, ...]:
    """Every reason, the most frequent first.

    Args:
        rules: code -> the row of quality.dq_rules that gives it.
        records: how many were received, by entity.
        earlier: the reasons of the last run; None on a first run.
    """
    then = {(r.entity, r.kind, r.code): r.count for r in earlier} if earlier is not None else None
    reasons = []
    found = [row for entity in ENTITIES for row in _quarantined(tables, entity, rules)]
    for row in [*found, *_rejected(tables, loads)]:
        key = (row["entity"], row["kind"], row["code"])
        of = records[row["entity"]] + (row["count"] if row["kind"] == "rejected" else 0)
        before = then.get(key, 0) if then is not None else None
        reasons.append(Reason(**row, share=row["count"] / of if of else 0.0, then=before))
    return tuple(sorted(reasons, key=lambda r: (-r.count, r.entity, r.kind, r.code)))


def _quarantined(tables: Tables, entity: str, rules: Mapping[str, Row]) -> Iterator[dict[str, Any]]:
    """The reasons of an entity's quarantined records."""
    table = f"quality.quarantine_{entity}"
    counted_rows = tables.rows(
        f"""
        select code, count(*) as count, min((_batch_id, _record), {EXAMPLES}) as first
        from (
            select unnest(string_split(reject_reasons, ',')) as code, _batch_id, _record
            from {table}
        )
        group by code order by code
        """,
        needs=table,
    )
    columns = [c for c in ENTITIES[entity] if c in tables.columns(table)]
    wanted = sorted({place for row in counted_rows for place in row["first"]})
    records = {(r["_batch_id"], r["_record"]): r for r in _records(tables, table, columns, wanted)}
    for row in counted_rows:
        code = plain(row["code"], 80)
        rule = rules.get(f"{entity}.{code}", {})
        column = rule.get("column_name") or column_of(code, tuple(columns))
        yield {
            "entity": entity,
            "kind": "quarantined",
            "code": code,
            "column": column,
            "words": reason(code, ENTITIES[entity]),
            "rule": plain(rule["words"]) if rule.get("words") else None,
            "count": row["count"],
            "examples": tuple(
                _example(records[place], columns, column)
                for place in sorted(row["first"])
                if place in records
            ),
        }


def _records(
    tables: Tables, table: str, columns: list[str], places: list[tuple[str, int]]
) -> list[Row]:
    if not places:
        return []
    texts = ", ".join(
        f"left({identifier(c)}, {4 * VALUE}) as {identifier(c)},"
        f" length({identifier(c)}) as {identifier('length of ' + c)}"
        for c in columns
    )
    listed = ", ".join(f"({literal(batch)}, {record})" for batch, record in places)
    return tables.rows(
        f"select {texts}, left(_source_file, 300) as _source_file, _batch_id, _record"
        f" from {table} where (_batch_id, _record) in ({listed})"
    )


def _example(record: Row, columns: list[str], about: str | None) -> Example:
    """A record as received, the value in question first."""
    ordered = sorted(columns, key=lambda column: column != about)
    parts = [
        f"{column}={_value(record, column)}"
        for column in ordered
        if column == about or record[column] is not None
    ]
    place = f"record {record['_record']:,} of {quoted(record['_source_file'], 80)}"
    return Example(text="  ".join(parts), where=place)


def _value(record: Row, column: str) -> str:
    if record[column] is None:
        return "(empty)"
    return quoted(record[column], VALUE, record[f"length of {column}"])


def _rejected(tables: Tables, loads: Sequence[BatchRecord]) -> Iterator[dict[str, Any]]:
    """The reasons of unreadable lines, by entity and by the reason without its details."""
    entities = {load.batch_id: load.entity for load in loads if load.is_loaded}
    grouped = tables.rows(
        f"""
        select batch_id, pattern, count(*) as count, min((batch_id, line, byte), {EXAMPLES}) as first
        from {_REJECTS} group by all
        """,
        needs="raw.rejects",
    )
    counts: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], list[Place]] = {}
    for row in grouped:
        if row["batch_id"] in entities:
            key = entities[row["batch_id"]], row["pattern"]
            counts[key] = counts.get(key, 0) + row["count"]
            first[key] = sorted([*first.get(key, ()), *row["first"]])[:EXAMPLES]
    lines = _lines(tables, [place for places in first.values() for place in places])
    for (entity, pattern), count in sorted(counts.items()):
        yield {
            "entity": entity,
            "kind": "rejected",
            "code": plain(pattern, 80),
            "column": None,
            "words": line_reason(pattern),
            "rule": None,
            "count": count,
            "examples": tuple(lines[place] for place in first[entity, pattern]),
        }


def _lines(tables: Tables, places: list[Place]) -> dict[Place, Example]:
    """Rejected lines by batch, line and byte; of several at one place, any: they are one line."""
    if not places:
        return {}
    listed = ", ".join(f"({literal(batch)}, {line}, {byte})" for batch, line, byte in set(places))
    found = tables.rows(
        f"""
        select batch_id, line, byte, left(text, 1000) as text, length(text) as length,
            left(source_file, 300) as file
        from {_REJECTS} where (batch_id, line, byte) in ({listed}) order by all
        """
    )
    examples = {}
    for row in found:
        text = quoted(row["text"] or "", LINE, row["length"])
        at = f"line {row['line']:,} of " if row["line"] >= 0 else ""
        where = f"{at}{quoted(row['file'], 80)}"
        examples[row["batch_id"], row["line"], row["byte"]] = Example(text=text, where=where)
    return examples


def reason_height(reason: Reason) -> float:
    """Millimetres that draw_reason takes."""
    return 6.6 + 3.1 * (len(reason.examples) + (reason.rule is not None))


def draw_reason(paper: Paper, reason: Reason, compared: bool) -> None:
    """A reason, its rule, and examples; each example on one line, quoted."""
    top = paper.get_y()
    paper.pen(8.5, "B")
    what = (
        counted(reason.entity, reason.count)
        if reason.kind == "quarantined"
        else f"{number(reason.count, 'unreadable line')} of {reason.entity}"
    )
    paper.line_of(f"{what}: {reason.words}", 150)
    paper.set_xy(MARGIN + 150, top)
    paper.pen(7.5, colour=GREY)
    then = f" · {reason.then:,} then" if compared and reason.then is not None else ""
    paper.line_of(f"{share(reason.share)}{then}", WIDTH - 150, "R")
    paper.set_xy(MARGIN, top + 4.2)
    if reason.rule:
        paper.pen(7, "I", GREY)
        paper.line_of(f"Rule: {reason.rule}", WIDTH)
    for example in reason.examples:
        line = paper.get_y()
        paper.pen(6.5, font="mono")
        paper.set_x(MARGIN + 3)
        paper.line_of(example.text, 103)
        paper.set_xy(MARGIN + 107, line)
        paper.pen(6.5, colour=GREY, font="mono")
        paper.line_of(example.where, WIDTH - 107, keep_end=True)
        paper.set_x(MARGIN)
    paper.ln(1.2)


def draw_further_reasons(paper: Paper, reasons: Sequence[Reason], compared: bool) -> None:
    """A section of the appendix with the reasons that a page had no room for."""
    paper.section("Further reasons why records and lines are not used")
    for further in reasons[:MOST_FURTHER]:
        paper.keep(reason_height(further))
        draw_reason(paper, further, compared)
    if len(reasons) > MOST_FURTHER:
        paper.note(f"{len(reasons) - MOST_FURTHER:,} more in report.json.")
