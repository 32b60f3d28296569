"""Sealed segments of the stream into raw.events: folded in, each event once.

The speed layer keeps its segments in the landing zone already, so nothing is copied: a batch is a
segment, left in its place. A consumer that was killed leaves events in two segments, and a producer may
send one twice: of all copies the first is loaded, and the ledger counts the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from feature_store.ledger import LOADED, BatchRecord
from ingestion import ledger
from ingestion.readers import text
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_values import JsonColumns, schema
from ingestion.readers.records import LineCounts
from ingestion.sources.stream import ENTITY
from ingestion.transaction import LoadedBatches, ReadyBatch
from recomart import casts
from recomart.events import MAX_AHEAD
from recomart.shop.entities import ENTITIES, SCHEMA

_CONTENT = tuple(c.name for c in SCHEMA[ENTITY].columns if c.identifies)
_PATHS = (*ENTITIES[ENTITY], "transport_id")

_INCOMING = f"""
    create temp table incoming (
        {", ".join(f"{name} varchar" for name in _PATHS)}, _record bigint, _batch_id varchar,
        _source_file varchar, _loaded_at timestamp, ahead boolean, redelivered boolean)
"""
_AHEAD = f"""
    coalesce({casts.time("occurred_at")} > {casts.time("received_at")}
        + interval {MAX_AHEAD.total_seconds():.0f} second, false)
"""
"""An event from a clock that is far ahead is quarantined; the same event, received again when its time
has come, is not. So one is not a copy of the other."""

_MARK_REDELIVERED = """
    update incoming set redelivered = true where rowid in (
        select rowid from (
            select rowid, row_number() over (
                partition by transport_id, event_id order by _batch_id, _record
            ) as delivery
            from incoming
        ) where delivery > 1
    ) or (
        transport_id in (select transport_id from raw._deliveries)
        and event_id in (select event_id from raw.events)
    )
"""
"""The same event in the same delivery. The delivery's id alone is not enough: a Kafka topic that
was deleted and created again starts at offset 0."""
_NEW = f"""
    create temp table new_events as
    with known as (
        select {", ".join(_CONTENT)}, {_AHEAD} as ahead from raw.events
        where event_id in (select event_id from incoming)
    )
    select * from incoming
    where not redelivered and not exists (
        select 1 from known where incoming.event_id = known.event_id
        and incoming.ahead = known.ahead
        and {" and ".join(f"incoming.{name} is not distinct from known.{name}" for name in _CONTENT)}
    )
    qualify row_number() over (
        partition by {", ".join(_CONTENT)}, ahead order by _batch_id, _record
    ) = 1
"""
_INSERT = f"""
    insert into raw.events by name
    select {", ".join(ENTITIES[ENTITY])}, _batch_id, _source_file, _record, _loaded_at
    from new_events order by _batch_id, _record
"""
_COUNTS = """
    select
        batches._batch_id, batches.records, batches.redelivered,
        batches.records - coalesce(loaded.records, 0) as dropped
    from (
        select _batch_id, count(*) as records, count(*) filter (where redelivered) as redelivered
        from incoming group by _batch_id
    ) as batches
    left join (select _batch_id, count(*) as records from new_events group by _batch_id) as loaded
        on batches._batch_id = loaded._batch_id
"""


def fold_segments(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[ReadyBatch]
) -> LoadedBatches:
    """Load segments in one transaction: all of them, or none.

    Raises:
        SourceError: a segment is damaged; the warehouse is as it was.
        duckdb.Error: the warehouse cannot take it (memory, disk); it is as it was.
    """
    connection.execute("begin")
    try:
        connection.execute(_INCOMING)
        line_counts = {one.batch.batch_id: _read(connection, one) for one in segments}
        connection.execute(_MARK_REDELIVERED)
        connection.execute(_NEW)
        connection.execute(_INSERT)
        connection.execute(
            "insert into raw._deliveries select transport_id, _batch_id from incoming "
            "where not redelivered order by _batch_id, _record"
        )
        counts = {row[0]: row[1:] for row in connection.execute(_COUNTS).fetchall()}
        done = [_loaded(one.batch, line_counts, counts) for one in segments]
        ledger.write_batches(connection, done)
        connection.execute("drop table incoming")
        connection.execute("drop table new_events")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return LoadedBatches(tuple(done))


def _read(connection: duckdb.DuckDBPyConnection, segment: ReadyBatch) -> LineCounts:
    """The segment's lines into `incoming`. A line that is not JSON is rejected, as in any file."""
    batch, counts = segment.batch, LineCounts(name=segment.batch.source_file)
    lines = JsonLinesReader(JsonColumns(_PATHS), counts).batches(text.pieces(segment.path, "utf-8"))
    table = pa.Table.from_batches(lines, schema(_PATHS))
    connection.register("segment_lines", table)
    columns = ", ".join(f"c{i} as {name}" for i, name in enumerate(_PATHS))
    connection.execute(
        f"insert into incoming select {', '.join(_PATHS)}, _record, ?, ?, ?, {_AHEAD}, false "
        f"from (select {columns}, _record from segment_lines)",
        [batch.batch_id, batch.source_file, batch.started_at],
    )
    connection.unregister("segment_lines")
    counts.check_share(batch.source_file)
    counts.check_balance(batch.source_file)
    ledger.write_rejects(connection, batch, counts.rejects)
    return counts


def _loaded(
    batch: BatchRecord,
    line_counts: dict[str, LineCounts],
    counts: dict[str, tuple[int, int, int]],
) -> BatchRecord:
    lines = line_counts[batch.batch_id]
    _, redelivered, dropped = counts.get(batch.batch_id, (0, 0, 0))
    return replace(
        batch,
        lines=lines.lines,
        header=0,
        blank=lines.blank,
        continuation=0,
        rejected=lines.rejected,
        records=lines.records,
        status=LOADED,
        error=None,
        finished_at=ledger.utc_now(),
        deduplicated=dropped,
        redelivered=redelivered,
    )
