"""What Redis is known to hold of a view: the rows of one snapshot, or nothing to go by."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import redis

from feature_repo.difference import ViewHistory, newest
from feature_repo.manifest import EVENT_TIMESTAMP, Model
from recomart.heartbeat import Heartbeat, heartbeat_key, state_key
from recomart.online_layout import ViewLayout
from recomart.resp import command, exchange
from recomart.settings import Settings
from recomart.snapshots import RECORD, Snapshot, read_snapshot

SAMPLE = 1_000
"""Entities looked up before a publish trusts Redis: a loss of 1% goes unseen once in 20,000."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Held:
    """The snapshot whose rows Redis holds, and the count of their entities."""

    snapshot: Snapshot
    rows: int

    def is_same(self, snapshot: Snapshot, view: str) -> bool:
        """Whether a view's rows are the same in another snapshot: equal bytes, equal clock."""
        file = self.snapshot.files.get(view)
        return (
            file is not None
            and file == snapshot.files.get(view)
            and self.snapshot.as_of == snapshot.as_of
        )


def held_by_redis(
    settings: Settings, client: redis.Redis, model: Model, layout: ViewLayout
) -> Held | None:
    """The snapshot that a view's rows in Redis are of; None when every row must be written.

    That is: Redis is empty or another one, a publish was cut off, the view has other features now,
    the snapshot is gone, or Redis has dropped entities since (it evicts when its memory is full),
    which its own count of evictions and a sample of the entities tell.
    """
    mark = _get(client, state_key(layout.project, layout.view))
    text = _get(client, heartbeat_key(layout.project, layout.view))
    if mark is None or text is None:
        return None
    hash, _, evicted_then = mark.decode().partition(" ")
    folder = settings.features / hash
    beat = Heartbeat.from_json(layout.project, layout.view, text)
    if beat.layout != layout or not (folder / RECORD).exists():
        return None
    snapshot = read_snapshot(folder)
    history = view_history(model, snapshot)
    if not history.file.exists():
        return None
    if evicted(client) > int(evicted_then) or _lost(client, layout, history):
        log.warning(
            "Redis has lost entities of %s since the last publish: all are written", layout.view
        )
        return None
    return Held(snapshot, beat.rows)


def mark(client: redis.Redis, snapshot: Snapshot) -> str:
    """The value of a view's `state_key` once Redis holds the snapshot's rows."""
    return f"{snapshot.hash} {evicted(client)}"


def evicted(client: redis.Redis) -> int:
    """How many keys the server has evicted for want of memory since it started."""
    return client.info("stats")["evicted_keys"]  # type: ignore[index]


def view_history(model: Model, snapshot: Snapshot) -> ViewHistory:
    """A feature model's file in a snapshot, at the snapshot's clock."""
    features = tuple(column.name for column, _ in model.features)
    return ViewHistory(snapshot.file(model.name), snapshot.as_of, model.join_keys, features)


def entity_keys(layout: ViewLayout, rows: pa.Table) -> list[bytes]:
    """The Redis keys of rows."""
    columns = [rows[name].to_pylist() for name in layout.join_keys]
    return layout.keys(list(zip(*columns, strict=True)))


def _lost(client: redis.Redis, layout: ViewLayout, history: ViewHistory) -> bool:
    """Whether one of some entities drawn by lot is missing in Redis."""
    rows = pq.read_table(history.file, columns=[*history.join_keys, EVENT_TIMESTAMP])
    instant = pa.scalar(history.as_of.replace(tzinfo=None), rows[EVENT_TIMESTAMP].type)
    seen = pc.indices_nonzero(pc.less_equal(rows[EVENT_TIMESTAMP], instant)).to_numpy()
    drawn = np.random.default_rng().choice(seen, min(SAMPLE, len(seen)), replace=False)
    sample = rows.take(drawn)
    keys = entity_keys(layout, sample)
    found = exchange(client, [command(b"HEXISTS", key, layout.time_field) for key in keys])
    missing = {key for key, there in zip(keys, found, strict=True) if not there}
    if not missing:
        return False
    # the history of an entity that is gone stays in the file: it is rightly missing in Redis
    first = history.join_keys[0]
    some = pq.read_table(
        history.file,
        columns=history.columns,
        filters=pc.field(first).isin(sample[first].filter(pa.array(np.equal(found, 0))).unique()),
    )
    return not missing.isdisjoint(entity_keys(layout, newest(some, history)))


def _get(client: redis.Redis, key: str) -> bytes | None:
    return client.get(key)  # type: ignore[return-value]  # its stubs are for async clients too
