"""Feature rows and a Redis of its own for the benchmarks of the online store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from feature_store.derived_feature import Prior
from feature_store.online.heartbeat import Heartbeat, Publication
from feature_store.online.layout import ViewLayout
from feature_store.online.redis import start_embedded
from recomart import processes
from recomart.settings import Settings, load_settings

FEATURES = 10
VIEWS = {"user": "user_id", "product": "product_id"}
KINDS = ("Int64", "Float64", "Int64", "Float64", "UnixTimestamp")
AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
END = datetime(2025, 1, 1, tzinfo=UTC)
START = datetime(2020, 1, 1, tzinfo=UTC)


def kinds(view: str) -> tuple[tuple[str, str], ...]:
    """The features of a view with their Feast types."""
    return tuple((f"{view}_f{i}", KINDS[i % len(KINDS)]) for i in range(FEATURES))


def layout(project: str, view: str) -> ViewLayout:
    """Where a view's rows stand in Redis."""
    return ViewLayout(project, view, (VIEWS[view],), kinds(view))


def write_rows_file(path: Path, view: str, rows: int, changed: float = 0.0) -> None:
    """One row an entity, in the order of the key: counts, amounts and times, 5% of them null.

    Args:
        changed: the share of rows with other values than in a file of 0.
    """
    cells = {
        "Int64": "(hash(i, {n}, v) % 5000)::bigint",
        "Float64": "(hash(i, {n}, v) % 1000000) / 100.0",
        "UnixTimestamp": "timestamp '2024-01-01' + to_seconds((hash(i, {n}, v) % 8000000)::int)",
    }
    columns = ", ".join(
        f"if(hash(i, {n}, 'null') % 20 = 0, null, {cells[kind].format(n=n)}) as {name}"
        for n, (name, kind) in enumerate(kinds(view))
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select
                    '{view[0]}' || i as {VIEWS[view]},
                    timestamp '2024-05-01' + to_days((hash(i) % 30)::int) as event_timestamp,
                    timestamp '2024-06-01' as created_at,
                    {columns}
                from (
                    select i, if(hash(i, 'changed') % 10000 < {changed * 10_000}, 1, 0) as v
                    from range({rows}) as numbers(i)
                )
                order by {VIEWS[view]}
            ) to '{path}' (format parquet, compression zstd)
            """
        )


@contextmanager
def own_redis(folder: Path) -> Iterator[tuple[Settings, int]]:
    """Settings of an empty lake in the folder, and the port of its Redis, which is stopped."""
    settings = load_settings(shop="demo", lake=folder / "lake", redis_url=None)
    settings.lake.mkdir(parents=True)
    try:
        port = start_embedded(settings).port
        yield settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"}), port
    finally:
        processes.stop_all(settings)


def feature_store(folder: Path, project: str, views: list[str], port: int, ours: bool) -> Any:
    """Feast over files `<folder>/<view>.parquet` and that Redis: with our classes, or stock."""
    from feast import (
        Entity,
        FeatureStore,
        FeatureView,
        Field,
        FileSource,
        RepoConfig,
        ValueType,
        types,
    )

    name = "feature_store.online.bulk_store.BulkRedisOnlineStore" if ours else "redis"
    engine = "feature_store.online.materialization.ColumnarComputeEngine" if ours else "local"
    store = FeatureStore(
        config=RepoConfig(
            project=project,
            provider="local",
            registry=str(folder / f"{'ours' if ours else 'stock'}.db"),
            offline_store={"type": "duckdb"},
            online_store={"type": name, "connection_string": f"127.0.0.1:{port}"},
            batch_engine=engine,
            materialization={"pull_latest_features": True, "online_write_batch_size": 10_000},
            entity_key_serialization_version=3,
        )
    )
    entities = {
        view: Entity(name=view, join_keys=[VIEWS[view]], value_type=ValueType.STRING)
        for view in views
    }
    store.apply(
        [
            *entities.values(),
            *(
                FeatureView(
                    name=view,
                    entities=[entities[view]],
                    schema=[
                        Field(name=VIEWS[view], dtype=types.String),
                        *(Field(name=n, dtype=getattr(types, kind)) for n, kind in kinds(view)),
                    ],
                    source=FileSource(
                        path=str(folder / f"{view}.parquet"),
                        timestamp_field="event_timestamp",
                        created_timestamp_column="created_at",
                    ),
                )
                for view in views
            ),
        ]
    )
    return store


def beat(client: Any, settings: Settings, views: list[str], rows: int) -> None:
    """What a publish leaves next to the rows, so that the lookup finds them."""
    project = settings.feast_project
    now = datetime.now(UTC)
    for view in views:
        heartbeat = Heartbeat(layout(project, view), "bench", AS_OF, now, rows, 48.0)
        client.set(heartbeat.key, heartbeat.to_json())
    publication = Publication(project, "bench", AS_OF, now, tuple(views), Prior(3.0, 5.0), {})
    client.set(publication.key, publication.to_json())
