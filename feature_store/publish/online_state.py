"""What Redis has of a view: the rows of one snapshot, as far as that can be proved."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import redis

from feature_store.bitemporal import EVENT_TIMESTAMP
from feature_store.definitions.manifest import Model
from feature_store.online.heartbeat import (
    Heartbeat,
    Publication,
    count_key,
    heartbeat_key,
    state_key,
)
from feature_store.online.layout import ViewLayout
from feature_store.online.writer import has_rows
from feature_store.publish.difference import ViewHistory, newest
from feature_store.records import DamagedRecord
from feature_store.snapshots import RECORD, Snapshot, read_snapshot
from recomart.settings import Settings

SAMPLE = 1_000
"""Entities of a view that are looked up where the count of keys shows no loss."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnlineState:
    """The snapshot whose rows Redis has, and the count of their entities."""

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


def online_state_of(
    settings: Settings, client: redis.Redis, model: Model, layout: ViewLayout, *, counted: bool
) -> OnlineState | None:
    """The snapshot that a view's rows in Redis come from; None when every row must be written.

    That is when Redis is empty or another server, a publish was interrupted, the view has other
    features now, the snapshot is gone or damaged, or entities are missing.

    Args:
        counted: whether the count of keys says that no entity is missing: then a random sample is
            looked up, otherwise each entity is.
    """
    hash = stored_text(client, state_key(layout.project, layout.view))
    beat = last_heartbeat(client, layout)
    if hash is None or beat is None:
        return None
    folder = settings.features / hash.decode()
    if beat.layout != layout or not (folder / RECORD).exists():
        return None
    snapshot = read_snapshot(folder)
    if not snapshot.has_whole(model.name):
        return None
    if _lost(client, layout, view_history(model, snapshot), every=not counted):
        log.warning(
            "Redis has lost entities of %s since the last publish: all are written", layout.view
        )
        return None
    return OnlineState(snapshot, beat.rows)


def last_heartbeat(client: redis.Redis, layout: ViewLayout) -> Heartbeat | None:
    """The view's heartbeat in Redis; None when there is none, or none that can be read."""
    key = heartbeat_key(layout.project, layout.view)
    if (text := stored_text(client, key)) is None:
        return None
    try:
        return Heartbeat.from_json(layout.project, layout.view, text)
    except DamagedRecord as exc:
        log.warning("Redis's key %s is written again, since it cannot be read: %s", key, exc)
        return None


def last_publication(client: redis.Redis, publication: Publication) -> Publication | None:
    """The publication in Redis before this one; None as in `last_heartbeat`."""
    if (text := stored_text(client, publication.key)) is None:
        return None
    try:
        return Publication.from_json(publication.project, text)
    except DamagedRecord as exc:
        log.warning(
            "Redis's key %s is written again, since it cannot be read: %s", publication.key, exc
        )
        return None


@contextmanager
def counting(client: redis.Redis, project: str) -> Iterator[bool]:
    """Count the lasting keys after what is written inside, and compare with the count before it.

    They are not counted when the server evicts keys meanwhile: it may evict some just written.

    Yields:
        Whether there are as many as the last time.
    """
    key = count_key(project)
    evicted = _info(client, "stats")["evicted_keys"]
    counted = stored_text(client, key)
    client.set(key, b"")
    yield counted == b"%d" % _lasting_keys(client)
    if _info(client, "stats")["evicted_keys"] == evicted:
        client.set(key, b"%d" % _lasting_keys(client))
    else:
        log.warning("Redis evicted keys while features were written: its memory is too small")


def stored_text(client: redis.Redis, key: str) -> bytes | None:
    """The value of a key."""
    return client.get(key)  # type: ignore[return-value]  # its stubs are for async clients too


def _lasting_keys(client: redis.Redis) -> int:
    """How many keys of the database never expire: rows of features, and few others.

    Real-time state, which comes and goes, expires. Redis keeps both counts at all times.
    """
    database = client.get_connection_kwargs().get("db") or 0
    counts: dict[str, int] = _info(client, "keyspace").get(
        f"db{database}", {"keys": 0, "expires": 0}
    )
    return counts["keys"] - counts["expires"]


def _info(client: redis.Redis, section: str) -> dict[str, Any]:
    return client.info(section)  # type: ignore[return-value]  # as above


def view_history(model: Model, snapshot: Snapshot) -> ViewHistory:
    """A feature model's file in a snapshot, at the snapshot's clock."""
    features = tuple(column.name for column, _ in model.features)
    return ViewHistory(snapshot.file(model.name), snapshot.as_of, model.join_keys, features)


def entity_keys(layout: ViewLayout, rows: pa.Table) -> list[bytes]:
    """The Redis keys of rows."""
    columns = [rows[name].to_pylist() for name in layout.join_keys]
    return layout.keys(list(zip(*columns, strict=True)))


def _lost(client: redis.Redis, layout: ViewLayout, history: ViewHistory, *, every: bool) -> bool:
    """Whether an entity is missing in Redis, among all or among a random sample."""
    rows = pq.read_table(history.file, columns=[*history.join_keys, EVENT_TIMESTAMP])
    instant = pa.scalar(history.as_of.replace(tzinfo=None), rows[EVENT_TIMESTAMP].type)
    rows = rows.filter(pc.less_equal(rows[EVENT_TIMESTAMP], instant)).select(history.join_keys)
    if every:
        looked_up = rows.group_by(rows.column_names).aggregate([])
    else:
        count = rows.num_rows
        looked_up = rows.take(np.random.default_rng().choice(count, min(SAMPLE, count), False))
    missing = looked_up.filter(pa.array(np.equal(has_rows(client, layout, looked_up), 0)))
    if not missing.num_rows:
        return False
    # the history of an entity that is gone stays in the file: Redis is right not to have it
    first = history.join_keys[0]
    some = pq.read_table(
        history.file,
        columns=history.columns,
        filters=pc.field(first).isin(missing[first].unique()),
    )
    expected = entity_keys(layout, newest(some, history))
    return not set(entity_keys(layout, missing)).isdisjoint(expected)
