"""Bringing a view's rows in Redis to what stood at `as_of`, by the difference alone."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from feature_repo.difference import Difference
from feature_repo.manifest import EVENT_TIMESTAMP, Model, read_models
from recomart.errors import RedisUnavailable
from recomart.heartbeat import Heartbeat, Publication, heartbeat_key, state_key
from recomart.online_layout import ViewLayout
from recomart.online_writer import delete_rows, stored_keys, write_rows
from recomart.redis import connect
from recomart.settings import Settings
from recomart.snapshots import Snapshot
from recomart.step import Progress

ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Written:
    """What publishing one view changed online. `rows` is how many entities it has."""

    view: str
    rows: int
    written: int
    deleted: int
    everything: bool


def publish_online(
    settings: Settings, snapshot: Snapshot, *, progress: Progress, full: bool = False
) -> list[Written]:
    """Write what differs from the last publish, delete what is gone, and renew the heartbeats.

    For each view, Redis holds the id of the state that its rows are in, and the lake holds the rows
    of that state. The id is taken away before the first write and set after the last. So a call
    that was killed, a Redis that lost its data, and another Redis all show; then every row is
    compared with nothing and written again.

    Raises:
        RedisUnavailable: no server answers, or it went away; run again when it is back.
    """
    views = [model for model in read_models(snapshot.manifest) if model.feast]
    now = datetime.now(UTC)
    with _redis_errors(settings):
        client = connect(settings, deadline=ANSWER_SECONDS)
        with closing(client):
            done = [
                _publish_view(settings, client, snapshot, model, now, progress, full)
                for model in views
            ]
            publication = Publication(
                project=settings.feast_project,
                hash=snapshot.hash,
                as_of=snapshot.as_of,
                published_at=now,
                views=tuple(model.name for model in views),
                prior=snapshot.prior,
            )
            _forget_retired_views(settings, client, publication)
            client.set(publication.key, publication.to_json())
    return done


def layout_of(settings: Settings, model: Model) -> ViewLayout:
    """Where the rows of a feature model stand in Redis."""
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
) -> Written:
    assert model.feast is not None
    layout = layout_of(settings, model)
    last = _state_file(settings, model.name)
    with closing(Difference(settings, snapshot, model, last)) as difference:
        state = difference.state()
        marker = _get(client, state_key(layout.project, layout.view))
        everything = full or state is None or marker != state.encode()
        written, deleted = _write(client, layout, difference, everything, progress)
        if written or deleted or everything:
            state = secrets.token_hex(8)
            difference.save(state)
        rows = difference.rows
    heartbeat = Heartbeat(
        layout, snapshot.hash, snapshot.as_of, now, rows, model.feast.stale_after_hours
    )
    with client.pipeline(transaction=True) as pipe:
        pipe.set(state_key(layout.project, layout.view), state or "")
        pipe.set(heartbeat.key, heartbeat.to_json())
        pipe.execute()
    return Written(model.name, rows, written, deleted, everything)


def _write(
    client: redis.Redis,
    layout: ViewLayout,
    difference: Difference,
    everything: bool,
    progress: Progress,
) -> tuple[int, int]:
    if everything:
        total = difference.rows
        stored = list(stored_keys(client, layout))
        _drop_retired_features(client, layout, stored)
        wanted = set(layout.keys(difference.keys()))
        gone = [key for key in stored if key not in wanted]
    else:
        total = difference.changed()
        gone = layout.keys(difference.gone())
    if total or gone:
        client.delete(state_key(layout.project, layout.view))
    deleted = delete_rows(client, layout, gone)
    written = 0
    for batch in difference.changed_rows(everything=everything):
        written += write_rows(client, layout, batch, EVENT_TIMESTAMP)
        progress(layout.view, written, total)
    return written, deleted


def _drop_retired_features(client: redis.Redis, layout: ViewLayout, stored: list[bytes]) -> None:
    """Remove the fields of features that the last publish had and this one has no more."""
    text = _get(client, heartbeat_key(layout.project, layout.view))
    if text is None:
        return
    before = Heartbeat.from_json(layout.project, layout.view, text).layout.features
    names = {name for name, _ in layout.features}
    retired = tuple(feature for feature in before if feature[0] not in names)
    if retired:
        delete_rows(client, replace(layout, features=retired), stored)


def _forget_retired_views(
    settings: Settings, client: redis.Redis, publication: Publication
) -> None:
    """Remove what publish kept about views that are no more (Feast has deleted their rows)."""
    text = _get(client, publication.key)
    before = Publication.from_json(publication.project, text).views if text else ()
    for view in set(before) - set(publication.views):
        client.delete(
            heartbeat_key(publication.project, view), state_key(publication.project, view)
        )
        _state_file(settings, view).unlink(missing_ok=True)


def _get(client: redis.Redis, key: str) -> bytes | None:
    return client.get(key)  # type: ignore[return-value]  # its stubs are for async clients too


def _state_file(settings: Settings, view: str) -> Path:
    """The rows of a view as last written to Redis."""
    return settings.features / "online" / f"{view}.parquet"


@contextmanager
def _redis_errors(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as exc:
        raise RedisUnavailable(
            "Redis went away while features were written",
            where="RECOMART_REDIS_URL" if settings.redis_url else str(settings.logs / "redis.log"),
            found=str(exc),
            help="run 'recomart publish' again when it is back: it writes what is missing",
        ) from exc
