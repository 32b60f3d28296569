"""Bringing a view's rows in Redis up to date with a snapshot, by writing the difference alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.parquet as pq
import redis
from redis.exceptions import RedisError

from feature_store.bitemporal import EVENT_TIMESTAMP
from feature_store.definitions.manifest import Model
from feature_store.definitions.registration import models_of
from feature_store.definitions.views import services_of
from feature_store.online.heartbeat import Heartbeat, Publication, heartbeat_key, state_key
from feature_store.online.layout import ViewLayout
from feature_store.online.redis import connect
from feature_store.online.writer import delete_rows, stored_keys, write_rows
from feature_store.publish.difference import ViewHistory, difference
from feature_store.publish.online_state import (
    counting,
    entity_keys,
    last_heartbeat,
    last_publication,
    online_state_of,
    view_history,
)
from feature_store.publish.publish_log import ViewPublication, record
from feature_store.snapshots import Snapshot
from recomart.errors import RedisUnavailable
from recomart.settings import Settings
from recomart.step import Progress

ANSWER_SECONDS = 30.0


def publish_online(
    settings: Settings, snapshot: Snapshot, *, progress: Progress, full: bool = False
) -> list[ViewPublication]:
    """Write what differs from the last publish, delete what is gone, and renew the heartbeats.

    For each view, Redis keeps the name of the snapshot that its rows come from. Snapshots do not
    change, so the difference of two of them is what must be written. The name is removed before
    the first write and set after the last. So an interrupted publish, a Redis that lost its data,
    and another Redis are all noticed; then every row is written again. Single rows that were lost
    show in the count of keys.

    Raises:
        RedisUnavailable: no server answers, or it went away or is full; run again when it is back.
    """
    models = models_of(snapshot)
    views = [model for model in models if model.feast]
    now = datetime.now(UTC)
    with _redis_errors(settings):
        client = connect(settings, deadline=ANSWER_SECONDS)
        with closing(client), counting(client, settings.feast_project) as counted:
            done = [
                _publish_view(settings, client, snapshot, model, now, progress, full, counted)
                for model in views
            ]
            publication = Publication(
                project=settings.feast_project,
                hash=snapshot.hash,
                as_of=snapshot.as_of,
                published_at=now,
                views=tuple(model.name for model in views),
                prior=snapshot.prior,
                services=services_of(models),
            )
            _forget_retired_views(client, publication)
            client.set(publication.key, publication.to_json())
    record(settings, done)
    return done


def layout_of(settings: Settings, model: Model) -> ViewLayout:
    """The layout in Redis of a feature model's rows."""
    features = tuple((column.name, kind) for column, kind in model.features)
    return ViewLayout(settings.feast_project, model.name, model.join_keys, features)


def _publish_view(
    settings: Settings,
    client: redis.Redis,
    snapshot: Snapshot,
    model: Model,
    now: datetime,
    progress: Progress,
    full: bool,
    counted: bool,
) -> ViewPublication:
    assert model.feast is not None
    start = time.perf_counter()
    layout = layout_of(settings, model)
    online = None if full else online_state_of(settings, client, model, layout, counted=counted)
    if online and online.is_same(snapshot, model.name):
        rows, written, deleted = online.rows, 0, 0
    else:
        before = view_history(model, online.snapshot) if online else None
        rows, written, deleted = write_difference(
            client, layout, view_history(model, snapshot), before, progress
        )
    heartbeat = Heartbeat(
        layout, snapshot.hash, snapshot.as_of, now, rows, model.feast.stale_after_hours
    )
    with client.pipeline(transaction=True) as pipe:
        pipe.set(state_key(layout.project, layout.view), snapshot.hash)
        pipe.set(heartbeat.key, heartbeat.to_json())
        pipe.execute()
    return ViewPublication(
        view=model.name,
        snapshot=snapshot.hash,
        as_of=snapshot.as_of,
        published_at=now,
        rows=rows,
        written=written,
        deleted=deleted,
        everything=online is None,
        seconds=round(time.perf_counter() - start, 3),
    )


def write_difference(
    client: redis.Redis,
    layout: ViewLayout,
    now: ViewHistory,
    before: ViewHistory | None,
    progress: Progress,
) -> tuple[int, int, int]:
    """Bring a view's rows in Redis from what they were `before` to what they are `now`.

    Args:
        before: what Redis has; None when that is not known: then everything is written, and all
            other rows of the view are deleted.

    Returns:
        How many entities the view has, how many were written, and how many deleted.
    """
    unexpected: set[bytes] = set()
    if before is None:
        unexpected.update(stored_keys(client, layout))
        _drop_retired(client, layout, list(unexpected))
    rows = written = deleted = read = 0
    marked = True
    total = pq.read_metadata(now.file).num_rows
    for stretch in difference(now, before):
        if marked and (before is None or stretch.changed.num_rows or stretch.gone.num_rows):
            client.delete(state_key(layout.project, layout.view))
            marked = False
        deleted += delete_rows(client, layout, entity_keys(layout, stretch.gone))
        written += write_rows(client, layout, stretch.changed, EVENT_TIMESTAMP)
        if unexpected:
            unexpected.difference_update(entity_keys(layout, stretch.newest))
        rows += stretch.newest.num_rows
        read += stretch.read
        progress(layout.view, read, total)
    return rows, written, deleted + delete_rows(client, layout, list(unexpected))


def _drop_retired(client: redis.Redis, layout: ViewLayout, stored: list[bytes]) -> None:
    """Remove features that the last publish had and this one lacks, and all rows of a view whose
    keys are others now."""
    beat = last_heartbeat(client, layout)
    if beat is None:
        return
    before = beat.layout
    if before.join_keys != layout.join_keys:
        delete_rows(client, before, list(stored_keys(client, before)))
        return
    names = {name for name, _ in layout.features}
    retired = tuple(feature for feature in before.features if feature[0] not in names)
    if retired:
        delete_rows(client, replace(layout, features=retired), stored)


def _forget_retired_views(client: redis.Redis, publication: Publication) -> None:
    """Remove the records of retired views (Feast has deleted their rows)."""
    before = last_publication(client, publication)
    for view in set(before.views if before else ()) - set(publication.views):
        client.delete(
            heartbeat_key(publication.project, view), state_key(publication.project, view)
        )


@contextmanager
def _redis_errors(settings: Settings) -> Iterator[None]:
    try:
        yield
    except RedisError as exc:
        raise RedisUnavailable(
            "Redis went away or refused while features were written",
            where="RECOMART_REDIS_URL" if settings.redis_url else str(settings.logs / "redis.log"),
            found=str(exc),
            help="run 'recomart publish' again when it is back, or has room: it writes what is "
            "missing",
        ) from exc
