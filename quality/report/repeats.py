"""Records that count as repeats: redelivered in another file, or several times in one.

A file that comes again brings the same facts. In one file, two records of one key may be two
purchases: the shop file says (`repeats`, or a line number by `number_within`).
"""

from __future__ import annotations

from collections.abc import Sequence

from quality.report.paper import Paper
from quality.report.source_account import SourceAccount
from quality.report.tables import Tables
from quality.report.words import RECORD, number, share
from recomart.shop.entities import ADDING_UP, ENTITIES, KEYS, LISTS

FROM_SHARE = 0.01
"""From this share of its records on, repeats within its files are a problem of a source."""
HELP = {
    "transactions": "line_no: {number_within: <order>} or repeats: add_up",
    "events": "repeats: add_up",
}
"""What a shop file declares if they are facts of their own."""


def repeats_in_files(tables: Tables) -> dict[tuple[str, str], int]:
    """By entity and source, of the facts: records of which a later one in their file has the key."""
    found: dict[tuple[str, str], int] = {}
    for entity in (name for name in ENTITIES if name not in LISTS.values()):
        staged, aside = f"staging.stg_{entity}", f"intermediate.int_{entity}__set_aside"
        keys = ", ".join(KEYS[entity])
        rows = tables.rows(
            f"""
            with again as (
                select {keys}, _batch_id, _record
                from {staged} semi join (
                    from {aside} where outcome in ('deduplicated', 'superseded')
                ) using (_batch_id, _record)
            ),
            later as (
                select {keys}, _batch_id, max(_record) as last_record
                from {staged} anti join (
                    from {aside} where outcome = 'quarantined'
                ) using (_batch_id, _record)
                semi join again using ({keys}, _batch_id)
                group by all
            )
            select source, count(*) as records
            from again
            inner join later using ({keys}, _batch_id)
            inner join raw._loads as loads on again._batch_id = loads.batch_id
            where last_record > again._record and source <> 'stream'
            group by source
            """,
            needs=f"{staged} {aside} raw._loads",
        )
        found |= {(entity, row["source"]): row["records"] for row in rows}
    return found


def draw_repeats(paper: Paper, sources: Sequence[SourceAccount]) -> None:
    """One line a source that has repeats: how many, which share, and how many in one file."""
    for one in sources:
        if not one.repeats:
            continue
        text = (
            f"{one.entity} ({one.source}): {share(one.repeats_share)} of "
            f"{number(one.records - one.filtered, 'record')} count as repeats or old versions "
            f"({one.repeats:,})."
        )
        if one.repeats_in_file:
            said = f"; the shop file says repeats: {one.repeats_declared}"
            text += f" The key of {one.repeats_in_file:,} of them comes again in the same file"
            text += f"{said if one.repeats_declared else ''}."
        if one.doubtful_repeats and one.entity in ADDING_UP:
            text += (
                f" If these are {RECORD[one.entity][1]} of their own, declare {HELP[one.entity]}; "
                "if they are not, repeats: once."
            )
        paper.note(text)
