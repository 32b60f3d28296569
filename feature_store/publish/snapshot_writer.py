"""Taking snapshots: tested tables to `<lake>/features/<hash>/<model>.parquet`, and `current`."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from feature_store.definitions.derived_inputs import check_derived
from feature_store.definitions.manifest import Model, definition_digest, read_models
from feature_store.publish.dbt_gate import manifest_of, require_tested
from feature_store.publish.row_versions import add_versions
from feature_store.publish.tables import batches_built, clock_and_prior, copy_table, rows_of
from feature_store.registered_models import named_snapshots
from feature_store.snapshots import (
    MANIFEST,
    RECORD,
    Snapshot,
    last_published,
    read_snapshot,
    snapshot_folders,
)
from recomart.errors import ConfigurationError, NotReady
from recomart.files import fsync_file, fsync_folder, replace_text, sha256_of, swap_link
from recomart.settings import Settings
from recomart.step import Progress, no_progress
from recomart.warehouse import warehouse

SHOP_MODEL = "dim_shop"
KEPT = 10
HASH_DIGITS = 16
TAKING, REMOVING = ".taking-", ".removing-"

log = logging.getLogger(__name__)


def take_snapshot(settings: Settings, progress: Progress = no_progress) -> Snapshot:
    """Copy every model to publish out of the warehouse, and link the result as `current`.

    Feature histories continue those of the last publish: they keep what was known before. Equal
    tables give equal bytes and so the same folder: new batches are then added to its record, and a file
    that is damaged is replaced by the new copy. A reader sees the old snapshot or the new one; a killed
    call leaves a folder that the next one removes.

    Raises:
        NotReady, TransformFailed: the tables were not tested; nothing is published.
        WarehouseLocked: another process writes to the warehouse.
        ConfigurationError: the tables differ from what the manifest declares, or a derived feature
            takes a column that no feature model has.
    """
    settings.features.mkdir(parents=True, exist_ok=True)
    for leftover in (
        *settings.features.glob(f"{TAKING}*"),
        *settings.features.glob(f"{REMOVING}*"),
    ):
        shutil.rmtree(leftover)
    taking = settings.features / f"{TAKING}{os.getpid()}"
    taking.mkdir()
    now = datetime.now(UTC)
    base = last_published(settings)
    rows, schema = {}, {}
    with warehouse(settings, read_only=True) as connection:
        manifest = manifest_of(settings, require_tested(connection))
        models = read_models(manifest)
        check_derived(models)
        if SHOP_MODEL not in {model.name for model in models}:
            raise ConfigurationError(
                f"the manifest publishes no {SHOP_MODEL}, which has the shop's clock",
                where=str(manifest),
            )
        for done, model in enumerate(models):
            progress(model.name, done, len(models))
            target = taking / f"{model.name}.parquet"
            rows[model.name], schema[model.name] = copy_table(connection, model, target)
        as_of, prior = clock_and_prior(connection, taking / f"{SHOP_MODEL}.parquet")
        batches = batches_built(connection, now)
    built = _hashes(models, taking)
    for model in models:
        file = taking / f"{model.name}.parquet"
        if base and model.feast:
            add_versions(settings, model, file, schema[model.name], base, now)
            rows[model.name] = rows_of(file)
        fsync_file(file)
    files = _hashes(models, taking)
    digest = _digest(models, files)
    shutil.copyfile(manifest, taking / MANIFEST)
    folder = settings.features / digest
    snapshot = Snapshot(
        folder=folder,
        hash=digest,
        shop=settings.shop_name,
        as_of=as_of,
        published_at=now,
        rows=rows,
        prior=prior,
        schema=schema,
        files=files,
        batches=batches,
        batches_at=now,
        built=built,
        latest_as_of=max(as_of, base.latest_as_of or base.as_of) if base else as_of,
    )
    if folder.exists():
        snapshot = _published_again(snapshot, taking)
    else:
        replace_text(taking / RECORD, snapshot.to_json())
        fsync_folder(taking)
        taking.rename(folder)
    swap_link(settings.published_features, digest)
    swap_link(settings.current_features, digest)
    return snapshot


def _hashes(models: tuple[Model, ...], folder: Path) -> dict[str, str]:
    return {model.name: sha256_of(folder / f"{model.name}.parquet") for model in models}


def _published_again(snapshot: Snapshot, taking: Path) -> Snapshot:
    """Bring what may be newer (descriptions, batches) to the folder that has the same bytes.

    Whether it has them is not taken on trust: a file that was damaged since is replaced. Each file is replaced in one step, and the record is true of this content whether or not
    `current` links to it yet: an interruption leaves nothing untrue.
    """
    folder = snapshot.folder
    for model in snapshot.files:
        if not snapshot.has_whole(model):
            log.warning("%s was damaged, and is replaced", snapshot.file(model))
            (taking / f"{model}.parquet").replace(snapshot.file(model))
    (taking / MANIFEST).replace(folder / MANIFEST)
    shutil.rmtree(taking)
    before = read_snapshot(folder)
    merged = before.made_also_from(snapshot.batches, snapshot.published_at)
    merged = replace(
        merged,
        schema=snapshot.schema,
        files=snapshot.files,
        built=snapshot.built,
        latest_as_of=snapshot.latest_as_of,
    )
    if merged != before:
        replace_text(folder / RECORD, merged.to_json())
    os.utime(folder)
    return merged


def prune(settings: Settings) -> list[Path]:
    """Remove old snapshots: all but the last ten, those that a registered model names, and the one
    that the next publish goes on from."""
    try:
        named = named_snapshots(settings)
    except NotReady as exc:
        log.warning("no old snapshot is removed: %s", exc)
        return []
    folders = snapshot_folders(settings)
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    named |= {settings.published_features.resolve().name}
    removed = [folder for folder in folders[KEPT:] if folder.name not in named]
    for folder in removed:
        # renamed in one step: an interruption leaves no snapshot without its files
        hidden = folder.with_name(f"{REMOVING}{folder.name}")
        folder.rename(hidden)
        shutil.rmtree(hidden)
    return removed


def _digest(models: tuple[Model, ...], files: dict[str, str]) -> str:
    parts = [f"{model.name} {files[model.name]}" for model in models]
    text = "\n".join([definition_digest(models), *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
