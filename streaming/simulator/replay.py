"""Past events of any shop, in the order in which they happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq

from recomart.errors import NotReady
from recomart.events import key_hash
from recomart.settings import Settings
from recomart.warehouse import warehouse
from streaming.simulator.scheduled_event import ScheduledEvent

EVENTS = """
    select event_id, event_type, user_id, session_id, product_id,
        cast(occurred_at as timestamp) as occurred_at
    from marts.fct_events
    where occurred_at >= coalesce($since, '-infinity'::timestamp)
        and occurred_at < coalesce($until, 'infinity'::timestamp)
    order by occurred_at, event_id
"""


@contextmanager
def replay(
    settings: Settings,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    shift_clock: datetime | None = None,
) -> Iterator[Iterator[ScheduledEvent]]:
    """The shop's accepted events, ordered by time.

    They are copied out first, because an open warehouse locks out its writers: a copy takes a
    moment, and a replay may take hours.

    Args:
        since: only events at or after this time (UTC); None: from the first event.
        until: only events before this time (UTC); None: to the last event.
        shift_clock: events happen when they are sent, and get new ids, which are made from the old
            id and this time. None: events keep their times and ids.

    Raises:
        NotReady: there is no warehouse, or it has no such event.
        WarehouseLocked: another process holds the warehouse.
    """
    (settings.lake / "tmp").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="replay-", dir=settings.lake / "tmp") as folder:
        copy = Path(folder) / "events.parquet"
        _copy(settings, copy, since, until)
        yield _scheduled(copy, shift_clock)


def _copy(settings: Settings, to: Path, since: datetime | None, until: datetime | None) -> None:
    window = {"since": _naive(since), "until": _naive(until)}
    never_built = suppress(duckdb.CatalogException)
    with warehouse(settings, read_only=True) as connection, never_built:
        connection.sql(EVENTS, params=window).write_parquet(str(to))
    if not to.exists() or not pq.read_metadata(to).num_rows:
        raise NotReady(
            f"there are no events of shop '{settings.shop_name}' to replay",
            where=f"{settings.warehouse}   marts.fct_events",
            help="run 'recomart pipeline' for a shop that has events, and check --since and --until",
        )


def _scheduled(copy: Path, shift_clock: datetime | None) -> Iterator[ScheduledEvent]:
    first: datetime | None = None
    run = shift_clock.isoformat() if shift_clock else None
    with pq.ParquetFile(copy) as file:
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                occurred_at = row["occurred_at"].replace(tzinfo=UTC)
                first = first or occurred_at
                yield ScheduledEvent(
                    offset=(occurred_at - first).total_seconds(),
                    event_id=key_hash(row["event_id"], run) if run else row["event_id"],
                    event_type=row["event_type"],
                    user_id=row["user_id"],
                    session_id=row["session_id"],
                    product_id=row["product_id"],
                    occurred_at=None if run else occurred_at,
                )


def _naive(instant: datetime | None) -> datetime | None:
    """The time without a zone, as the warehouse stores times in UTC."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else None
