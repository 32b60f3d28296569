"""Publish: tested tables to Parquet, definitions to Feast's registry, differences to Redis."""

from __future__ import annotations

import logging
import shutil

from feature_store.definitions.registration import register
from feature_store.publish.online_sync import publish_online
from feature_store.publish.publish_log import ViewPublication
from feature_store.publish.snapshot_writer import prune, take_snapshot
from feature_store.snapshots import PUBLISH_LOCK, Snapshot
from recomart.lake import open_lake
from recomart.processes import only_one
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress

log = logging.getLogger(__name__)


def publish(
    settings: Settings, *, progress: Progress = no_progress, full: bool = False
) -> StepResult:
    """Publish what dbt last built and tested. After any failure, running it again finishes the job.

    Args:
        full: write every row to Redis, whatever was written before.

    Raises:
        NotReady, TransformFailed: the warehouse was not built and tested whole; nothing changes.
        WarehouseLocked: another process writes to the warehouse.
        RedisUnavailable: Parquet and registry are published, Redis is not: run it again.
    """
    open_lake(settings)
    with only_one(settings, PUBLISH_LOCK):
        snapshot = take_snapshot(settings, progress)
        apply_definitions(settings, snapshot)
        views = publish_online(settings, snapshot, progress=progress, full=full)
        prune(settings)
    return StepResult(
        sum(snapshot.rows.values()), "rows", f"{summary(views)} · snapshot {snapshot.hash}"
    )


def summary(views: list[ViewPublication]) -> str:
    """What was written to Redis, for the line of the step. Each view goes to the log."""
    for view in views:
        log.info("%s", view)
    written = sum(view.written for view in views)
    deleted = sum(view.deleted for view in views)
    online = f"{sum(view.rows for view in views):,} rows online, {written:,} written"
    return online + (f", {deleted:,} deleted" if deleted else "")


def apply_definitions(settings: Settings, snapshot: Snapshot) -> None:
    """Register the snapshot's definitions with Feast, and remove those that it no longer has.

    The registry is kept with the snapshot too: training from it later sees the features as they
    were defined then.
    """
    from feature_store.stores import store_on

    register(store_on(settings, settings.registry), settings, snapshot)
    copy = snapshot.definitions.with_name(f".{snapshot.definitions.name}.tmp")
    shutil.copyfile(settings.registry, copy)
    copy.replace(snapshot.definitions)
