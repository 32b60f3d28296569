"""The published snapshots, and restoring one of them."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from feature_store.definitions.registration import models_of
from feature_store.publish.online_sync import publish_online
from feature_store.publish.publisher import apply_definitions, summary
from feature_store.registered_models import FEATURES_HASH, ModelVersion, model_versions
from feature_store.snapshots import (
    PUBLISH_LOCK,
    Batch,
    Snapshot,
    current_snapshot,
    find_snapshot,
    snapshots,
)
from recomart.errors import RedisUnavailable, SnapshotDamaged
from recomart.files import swap_link
from recomart.lake import open_lake
from recomart.processes import only_one
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress


@dataclass(frozen=True)
class Published:
    """One kept snapshot.

    Args:
        published_at: for the first time, UTC.
        rows: by model.
        batches: behind its last publication, in load order; empty when it was published before
            they were recorded.
        models: the registered versions that learned from it, oldest first.
        current: whether it is what training and serving read now.
    """

    hash: str
    published_at: datetime
    as_of: datetime
    rows: dict[str, int]
    batches: tuple[Batch, ...]
    models: tuple[ModelVersion, ...]
    current: bool


def history(settings: Settings) -> tuple[Published, ...]:
    """The snapshots that are kept, the newest first.

    Raises:
        NothingPublished: there is none.
        NotReady: the model registry cannot be read.
    """
    current = current_snapshot(settings).hash
    learned: dict[str | None, list[ModelVersion]] = defaultdict(list)
    for version in model_versions(settings):
        learned[version.tags.get(FEATURES_HASH)].append(version)
    return tuple(
        Published(
            hash=snapshot.hash,
            published_at=snapshot.published_at,
            as_of=snapshot.as_of,
            rows=snapshot.rows,
            batches=snapshot.batches_behind(),
            models=tuple(learned[snapshot.hash]),
            current=snapshot.hash == current,
        )
        for snapshot in snapshots(settings)
    )


def restore(settings: Settings, hash: str, *, progress: Progress = no_progress) -> StepResult:
    """Make a kept snapshot the current one again: its files, its definitions, its rows in Redis.

    The warehouse stays as it is. So the next `publish` (or `pipeline`) brings the tables of the last
    `transform` back.

    Args:
        hash: of the snapshot, or the beginning of it that no other has.

    Raises:
        NothingPublished, UnknownName: there is no such snapshot; nothing changes.
        SnapshotDamaged: its files are not those that were published; nothing changes.
        RedisUnavailable: files and definitions are back, Redis is not: run it again.
    """
    open_lake(settings)
    with only_one(settings, PUBLISH_LOCK):
        snapshot = find_snapshot(settings, hash)
        _check(snapshot)
        os.utime(snapshot.folder)  # it counts as published now: the last ones are kept
        swap_link(settings.current_features, snapshot.hash)
        apply_definitions(settings, snapshot)
        try:
            views = publish_online(settings, snapshot, progress=progress)
        except RedisUnavailable as exc:
            raise RedisUnavailable(
                exc.message,
                where=exc.where,
                found=exc.found,
                help=f"run 'recomart features history --restore {snapshot.hash}' again when it "
                "is back: it writes what is missing",
            ) from exc
    return StepResult(
        sum(snapshot.rows.values()),
        "rows",
        f"{summary(views)} · snapshot {snapshot.hash} is back, as of "
        f"{snapshot.as_of:%Y-%m-%d %H:%M} UTC, until the next publish: the warehouse keeps "
        "what the last transform built",
    )


def _check(snapshot: Snapshot) -> None:
    """Raise SnapshotDamaged when a file is missing or has other bytes than were published."""
    models_of(snapshot)
    for model in snapshot.files:
        if snapshot.has_whole(model):
            continue
        file = snapshot.file(model)
        raise SnapshotDamaged(
            f"{file.name} of snapshot {snapshot.hash} is not the file that was published",
            where=str(file),
            found="other bytes" if file.is_file() else "no such file",
            help="restore another snapshot ('recomart features history' lists them), or run "
            "'recomart publish' for the newest",
        )
