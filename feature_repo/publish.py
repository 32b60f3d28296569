"""Publish: tested tables to Parquet, definitions to Feast's registry, differences to Redis."""

from __future__ import annotations

import logging
from typing import Any

from feature_repo.online import publish_online
from feature_repo.snapshot import Snapshot, prune, take_snapshot
from feature_repo.views import build
from recomart.lake import open_lake
from recomart.processes import only_one
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress

log = logging.getLogger(__name__)


def publish(
    settings: Settings, *, progress: Progress = no_progress, full: bool = False
) -> StepResult:
    """Publish what dbt last built and tested. Run again after any failure; it ends right.

    Args:
        full: write every row to Redis, whatever was written before.

    Raises:
        NotReady, TransformFailed: the warehouse was not built and tested whole; nothing changes.
        WarehouseLocked: another process writes to the warehouse.
        RedisUnavailable: Parquet and registry are published, Redis is not: run it again.
    """
    open_lake(settings)
    with only_one(settings, "publish"):
        snapshot = take_snapshot(settings, progress)
        apply_definitions(settings, snapshot)
        views = publish_online(settings, snapshot, progress=progress, full=full)
        prune(settings)
    for view in views:
        log.info("%s", view)
    written = sum(view.written for view in views)
    deleted = sum(view.deleted for view in views)
    online = f"{sum(view.rows for view in views):,} rows online, {written:,} written"
    if deleted:
        online += f", {deleted:,} deleted"
    return StepResult(sum(snapshot.rows.values()), "rows", f"{online} · snapshot {snapshot.hash}")


def apply_definitions(settings: Settings, snapshot: Snapshot) -> None:
    """Register the snapshot's definitions with Feast, and remove those that are no more."""
    from recomart.feast import open_store

    wanted = build(settings, snapshot.models(), snapshot.prior)
    objects = list(wanted.objects().values())
    store = open_store(settings)
    names = {(type(o).__name__, o.name) for o in objects}
    registered: list[Any] = [
        *store.list_feature_services(),
        *store.list_on_demand_feature_views(),
        *store.list_batch_feature_views(),
    ]
    stale = [o for o in registered if (type(o).__name__, o.name) not in names]
    store.apply(objects, objects_to_delete=stale, partial=False)
