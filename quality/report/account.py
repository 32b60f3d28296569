"""Page 2: where every line and record went, why, and three examples of each reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from quality.report.content import Account, Batch, Example, FailedFile, Reason, SourceAccount
from quality.report.quoting import plain, quoted
from quality.report.reading import Reader, Row
from quality.report.words import column_of, line_reason, reason
from recomart.shop.model import ENTITIES
from recomart.sql import identifier, literal

EXAMPLES = 3
VALUE, LINE = 32, 100
"""Characters of a value and of a line that an example shows."""
_TERMS = ("lines", "header", "blank", "continuation", "rejected", "records")
_OUTCOMES = ("accepted", "quarantined", "deduplicated", "superseded")
Place = tuple[str, int, int]
_PATTERN = r"regexp_replace(split_part(left(reason, 200), ':', 1), '\d+', 'N', 'g')"
_REJECTS = f"""(
    select batch_id, coalesce(line, -1) as line, coalesce(byte_offset, -1) as byte,
        source_file, text, {_PATTERN} as pattern
    from raw.rejects
)"""


def read_account(
    reader: Reader,
    batches: Sequence[Batch],
    failed: Sequence[FailedFile],
    rules: dict[str, Row],
    earlier: Account | None,
) -> Account:
    """The account of all batches.

    Args:
        rules: code -> the row of quality.dq_rules that gives it.
        earlier: the account of the last run, for what each reason counted then.
    """
    sources = source_accounts(batches, failed)
    then = {(r.entity, r.kind, r.code): r.count for r in earlier.reasons} if earlier else None
    records = dict.fromkeys(ENTITIES, 0)
    for source in sources:
        records[source.entity] += source.records
    found = [
        *(r for entity in ENTITIES for r in _quarantined(reader, entity, rules)),
        *_rejected(reader),
    ]
    reasons = []
    for row in found:
        key = (row["entity"], row["kind"], row["code"])
        of = records[row["entity"]] + (row["count"] if row["kind"] == "rejected" else 0)
        before = then.get(key, 0) if then is not None else None
        reasons.append(Reason(**row, share=row["count"] / of if of else 0.0, then=before))
    reasons.sort(key=lambda r: (-r.count, r.entity, r.kind, r.code))
    return Account(sources=sources, reasons=tuple(reasons), failed_files=tuple(failed))


def source_accounts(
    batches: Iterable[Batch], failed: Iterable[FailedFile]
) -> tuple[SourceAccount, ...]:
    """The batches summed by source and entity, in the order of ENTITIES."""
    failed_now = {file.batch_id for file in failed}
    groups: dict[tuple[str, str], list[Batch]] = {}
    for batch in batches:
        groups.setdefault((batch.entity, batch.source), []).append(batch)
    order = list(ENTITIES)
    return tuple(
        _source_account(source, entity, members, failed_now)
        for (entity, source), members in sorted(
            groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    )


def _source_account(
    source: str, entity: str, batches: list[Batch], failed: set[str]
) -> SourceAccount:
    loaded = [batch for batch in batches if batch.status == "loaded"]
    terms = {name: sum(getattr(b, name) or 0 for b in loaded) for name in _TERMS + _OUTCOMES}
    waiting = [batch for batch in loaded if batch.accepted is None]
    return SourceAccount(
        source=source,
        entity=entity,
        files=len(loaded),
        failed_files=sum(batch.batch_id in failed for batch in batches),
        unjudged=sum(batch.records or 0 for batch in waiting),
        balances=all(balances(batch) for batch in loaded),
        **terms,
    )


def balances(batch: Batch) -> bool:
    """Whether every line of a loaded batch, and every record that was judged, is accounted for."""

    def total(*terms: int | None) -> int:
        return sum(term or 0 for term in terms)

    lines = total(batch.header, batch.blank, batch.continuation, batch.rejected, batch.records)
    if batch.lines is not None and batch.lines != lines:
        return False
    outcomes = (batch.accepted, batch.quarantined, batch.deduplicated, batch.superseded)
    return batch.accepted is None or batch.records == total(*outcomes)


def _quarantined(reader: Reader, entity: str, rules: dict[str, Row]) -> list[dict[str, Any]]:
    table = f"quality.quarantine_{entity}"
    counted = reader.rows(
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
    columns = [c for c in ENTITIES[entity] if c in reader.columns(table)]
    wanted = sorted({place for row in counted for place in row["first"]})
    records = {(r["_batch_id"], r["_record"]): r for r in _records(reader, table, columns, wanted)}
    reasons = []
    for row in counted:
        code = plain(row["code"], 80)
        rule = rules.get(f"{entity}.{code}", {})
        column = rule.get("column_name") or column_of(code, tuple(columns))
        reasons.append(
            {
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
        )
    return reasons


def _records(
    reader: Reader, table: str, columns: list[str], places: list[tuple[str, int]]
) -> list[Row]:
    if not places:
        return []
    texts = ", ".join(
        f"left({identifier(c)}, {4 * VALUE}) as {identifier(c)},"
        f" length({identifier(c)}) as {identifier('length of ' + c)}"
        for c in columns
    )
    listed = ", ".join(f"({literal(batch)}, {record})" for batch, record in places)
    return reader.rows(
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


def _rejected(reader: Reader) -> list[dict[str, Any]]:
    """Lines that could not be read, by entity and reason without its details."""
    counted = reader.rows(
        f"""
        select loads.entity, broken.pattern, count(*) as count,
            min((broken.batch_id, broken.line, broken.byte), {EXAMPLES}) as first
        from {_REJECTS} as broken inner join raw._loads as loads using (batch_id)
        where loads.status = 'loaded' group by all order by all
        """,
        needs="raw.rejects raw._loads",
    )
    lines = _lines(reader, [place for row in counted for place in row["first"]])
    return [
        {
            "entity": row["entity"],
            "kind": "rejected",
            "code": plain(row["pattern"], 80),
            "column": None,
            "words": line_reason(row["pattern"]),
            "rule": None,
            "count": row["count"],
            "examples": tuple(lines[place] for place in sorted(row["first"])),
        }
        for row in counted
    ]


def _lines(reader: Reader, places: list[Place]) -> dict[Place, Example]:
    """Rejected lines by batch, line and byte; of several at one place, any: they are one line."""
    if not places:
        return {}
    listed = ", ".join(f"({literal(batch)}, {line}, {byte})" for batch, line, byte in set(places))
    found = reader.rows(
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
