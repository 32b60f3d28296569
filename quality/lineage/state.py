"""All that lineage is read from: the ledger, the snapshots, the models, dbt's project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from feature_store.registered_models import (
    FEATURES_AT,
    FEATURES_HASH,
    READS,
    ModelVersion,
    model_versions,
)
from feature_store.snapshots import Batch, Snapshot, snapshots
from quality.lineage.columns import ColumnLineage, read_columns
from quality.lineage.ledger import LOADED, Ledger, Load, load_of, read_ledger
from quality.lineage.project import Project, Table, read_project
from recomart.errors import NotReady
from recomart.settings import Settings


@dataclass(frozen=True)
class State:
    """One lake at one moment.

    Args:
        loads: every batch that the ledger or a kept snapshot remembers, in load order.
        snapshots: that are kept, newest first.
        current: hash of the one that is served; None before the first publish.
        project: of the newest dbt build: the current snapshot's, or the one in `<lake>/dbt`.
    """

    settings: Settings
    ledger: Ledger
    loads: tuple[Load, ...]
    snapshots: tuple[Snapshot, ...]
    current: str | None
    models: tuple[ModelVersion, ...]
    project: Project
    columns: ColumnLineage | None
    _projects: dict[str, Project] = field(default_factory=dict, repr=False)

    @cached_property
    def by_key(self) -> dict[tuple[str, str | None], Load]:
        return {load.key: load for load in self.loads}

    def project_of(self, snapshot: Snapshot) -> Project:
        """The project as it was when the snapshot was built."""
        if snapshot.hash not in self._projects:
            self._projects[snapshot.hash] = read_project(snapshot.manifest)
        return self._projects[snapshot.hash]

    def kept(self, hash: str) -> Snapshot:
        """The snapshot of this hash, which must be one of the kept."""
        return next(snapshot for snapshot in self.snapshots if snapshot.hash == hash)

    def loads_for(self, *tables: Table) -> tuple[Load, ...]:
        """The files behind what is published now; for what never was, all that are loaded."""
        current = next((s for s in self.snapshots if s.hash == self.current), None)
        if current is not None and current.batches and all(t.name in current.rows for t in tables):
            return self.loads_of(current.batches_behind())
        return tuple(load for load in self.ledger.loads if load.status == LOADED)

    def snapshot_of(self, model: ModelVersion) -> Snapshot | None:
        """What a model learned from; None when it is kept no more (somebody removed its folder)."""
        hash = model.tags.get(FEATURES_HASH)
        return next((s for s in self.snapshots if s.hash == hash), None)

    def models_of(self, snapshot: Snapshot) -> tuple[ModelVersion, ...]:
        return tuple(m for m in self.models if m.tags.get(FEATURES_HASH) == snapshot.hash)

    def reads(self, model: ModelVersion, project: Project) -> tuple[Table, ...]:
        """The published tables that a model learned from, as its tag says; all for one without."""
        tag = model.tags.get(READS)
        names = None if tag is None else tag.split(",")
        return tuple(t for t in project.published() if names is None or t.name in names)

    def batches_of(self, model: ModelVersion, snapshot: Snapshot) -> tuple[Batch, ...]:
        """The batches that were behind the snapshot when the model learned from it."""
        at = model.tags.get(FEATURES_AT)
        return snapshot.batches_behind(datetime.fromisoformat(at) if at else model.registered_at)

    def loads_of(self, batches: Iterable[Batch]) -> tuple[Load, ...]:
        """The same batches as the ledger has them."""
        return tuple(self.by_key[batch.batch_id, batch.sha256] for batch in batches)


def read_state(settings: Settings) -> State:
    """Read it all; the warehouse is open for some milliseconds.

    Raises:
        NotReady: dbt has not run yet, or the model registry cannot be read.
        WarehouseLocked: another process writes to the warehouse.
    """
    ledger = read_ledger(settings)
    kept = snapshots(settings)
    link = settings.current_features
    current = link.resolve().name if link.exists() else None
    by_key = {load.key: load for load in ledger.loads}
    for snapshot in kept:
        for batch in snapshot.batches:
            by_key.setdefault((batch.batch_id, batch.sha256), load_of(batch))
    project = _newest_project(settings, next((s for s in kept if s.hash == current), None))
    return State(
        settings=settings,
        ledger=ledger,
        loads=tuple(sorted(by_key.values(), key=lambda load: (load.batch_id, load.sha256 or ""))),
        snapshots=kept,
        current=current,
        models=model_versions(settings),
        project=project,
        columns=read_columns(settings, project),
    )


def _newest_project(settings: Settings, current: Snapshot | None) -> Project:
    manifest = settings.lake / "dbt" / "manifest.json"
    if not manifest.exists() and current is not None:
        manifest = current.manifest
    if not manifest.exists():
        raise NotReady(
            "there is no lineage before dbt has built anything",
            where=str(manifest),
            help="run 'recomart transform', or 'recomart pipeline' for all steps",
        )
    return read_project(manifest)
