"""Everything that lineage is read from: the ledger, the snapshots, the models, dbt's manifests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from feature_store.dbt_manifest import MANIFEST, Manifest, artifact_folders, read_manifest
from feature_store.dbt_runs import DbtRun, read_runs
from feature_store.ledger import BatchRecord, read_batches, record_of
from feature_store.registered_models import (
    FEATURES_AT,
    FEATURES_HASH,
    READS,
    ModelVersion,
    model_versions,
)
from feature_store.snapshots import Batch, Snapshot, snapshots
from quality.lineage.columns import ColumnLineage, read_columns
from recomart.errors import NotReady
from recomart.settings import Settings
from recomart.warehouse import warehouse


@dataclass(frozen=True)
class Records:
    """The records of one lake at one moment.

    Args:
        ledger: the batches in the warehouse, in load order; empty without a warehouse.
        runs: dbt's runs, by invocation.
        snapshots: those that are kept, newest first.
        current: hash of the snapshot that is served; None before the first publish.
        models: every registered version, oldest first.
        manifest: of the newest dbt build: the one in `<lake>/dbt`, or the current snapshot's.
        columns: which columns each column is computed from; None before `recomart docs`.
    """

    settings: Settings
    ledger: tuple[BatchRecord, ...]
    runs: dict[str, DbtRun]
    snapshots: tuple[Snapshot, ...]
    current: str | None
    models: tuple[ModelVersion, ...]
    manifest: Manifest
    columns: ColumnLineage | None
    _manifests: dict[str, Manifest] = field(default_factory=dict, repr=False)

    @cached_property
    def loads(self) -> tuple[BatchRecord, ...]:
        """Every batch that the ledger or a kept snapshot records, in load order."""
        return tuple(
            sorted(self.by_key.values(), key=lambda load: (load.batch_id, load.sha256 or ""))
        )

    @cached_property
    def by_key(self) -> dict[tuple[str, str | None], BatchRecord]:
        """The batches by `BatchRecord.key`."""
        found = {load.key: load for load in self.ledger}
        for snapshot in self.snapshots:
            for batch in snapshot.batches:
                found.setdefault((batch.batch_id, batch.sha256), record_of(batch))
        return found

    def manifest_of(self, snapshot: Snapshot) -> Manifest:
        """dbt's manifest of the build that the snapshot was published from."""
        if snapshot.hash not in self._manifests:
            self._manifests[snapshot.hash] = read_manifest(snapshot.manifest)
        return self._manifests[snapshot.hash]

    def snapshot_of(self, model: ModelVersion) -> Snapshot | None:
        """What a model learned from; None when somebody removed the snapshot's folder."""
        hash = model.tags.get(FEATURES_HASH)
        return next((s for s in self.snapshots if s.hash == hash), None)

    def reads(self, model: ModelVersion, snapshot: Snapshot) -> tuple[str, ...]:
        """Ids of the published tables that a model learned from, by the tables' names.

        A model without the tag READS counts as having read them all.
        """
        tag = model.tags.get(READS)
        names = None if tag is None else tag.split(",")
        published = self.manifest_of(snapshot).published()
        return tuple(table.id for table in published if names is None or table.name in names)

    def batches_of(self, model: ModelVersion, snapshot: Snapshot) -> tuple[Batch, ...]:
        """The batches that were behind the snapshot when the model learned from it."""
        at = model.tags.get(FEATURES_AT)
        return snapshot.batches_behind(datetime.fromisoformat(at) if at else model.registered_at)

    def loads_of(self, batches: Iterable[Batch]) -> tuple[BatchRecord, ...]:
        """The same batches as the ledger has them."""
        return tuple(self.by_key[batch.batch_id, batch.sha256] for batch in batches)

    def loads_behind(self, *tables: str) -> tuple[BatchRecord, ...]:
        """The files behind these tables as they are published now; if any of them is not, all
        files that are loaded."""
        current = next((s for s in self.snapshots if s.hash == self.current), None)
        if current is not None and current.batches and all(t in current.rows for t in tables):
            return self.loads_of(current.batches_behind())
        return tuple(load for load in self.ledger if load.is_loaded)


def read_records(settings: Settings) -> Records:
    """Read them all; the warehouse is open for some milliseconds.

    Raises:
        NotReady: dbt has not run yet, or the model registry cannot be read.
        WarehouseLocked: another process writes to the warehouse.
    """
    ledger: tuple[BatchRecord, ...] = ()
    runs: tuple[DbtRun, ...] = ()
    if settings.warehouse.exists():
        with warehouse(settings, read_only=True) as connection:
            ledger, runs = read_batches(connection), read_runs(connection)
    kept = snapshots(settings)
    link = settings.current_features
    current = link.resolve().name if link.exists() else None
    manifest = _newest_manifest(settings, next((s for s in kept if s.hash == current), None))
    return Records(
        settings=settings,
        ledger=ledger,
        runs={run.invocation: run for run in runs},
        snapshots=kept,
        current=current,
        models=model_versions(settings),
        manifest=manifest,
        columns=read_columns(settings, manifest),
    )


def _newest_manifest(settings: Settings, current: Snapshot | None) -> Manifest:
    path = artifact_folders(settings)[0] / MANIFEST
    if not path.exists() and current is not None:
        path = current.manifest
    if not path.exists():
        raise NotReady(
            "there is no lineage before dbt has built anything",
            where=str(path),
            help="run 'recomart transform', or 'recomart pipeline' for all steps",
        )
    return read_manifest(path)
