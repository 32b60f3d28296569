"""Downward: from a thing to what was made from it, up to the model versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from feature_store.derived import DERIVED_FEATURES
from feature_store.registered_models import ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.ledger import Load
from quality.lineage.project import Project, Table
from quality.lineage.state import State
from quality.lineage.tree import Branch, Node, model_node
from quality.lineage.upward import column_node, snapshot_node, table_node


class Downward:
    """Trees over one state of the lake, and the models at their ends."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._opened: set[str] = set()
        self._met: dict[str, ModelVersion] = {}

    @property
    def models(self) -> tuple[ModelVersion, ...]:
        """The models met so far, oldest first."""
        return tuple(m for m in self._state.models if m.version in self._met)

    def table(self, table: Table, why: str = "") -> Branch:
        """A table, and the tables made from it that lead to a published one, or are one."""
        if table.id in self._opened:
            return Branch(table_node(table), why=why, seen=True)
        self._opened.add(table.id)
        return Branch(table_node(table), self.children(table), why)

    def children(self, table: Table) -> tuple[Branch, ...]:
        """The tables made from one, as far as they lead to a published one."""
        project = self._state.project
        leading = project.upstream(found.id for found in project.published())
        return tuple(
            self.table(project.tables[id])
            for id in project.children.get(table.id, ())
            if id in leading
        )

    def column(self, table: Table, name: str) -> tuple[Branch, ...]:
        """The columns computed from one, and the derived features."""
        columns = self._state.columns
        branches = []
        for id, follower in columns.followers_of(table.id, name) if columns else ():
            target = self._state.project.tables[id]
            node = column_node(target, follower)
            if node.name in self._opened:
                branches.append(Branch(node, seen=True))
            else:
                self._opened.add(node.name)
                branches.append(Branch(node, self.column(target, follower)))
        if table.services is not None:
            branches += [
                Branch(derived_node(derived))
                for derived, inputs in DERIVED_FEATURES.items()
                if name in inputs
            ]
        return tuple(branches)

    def published_columns(self, table: Table, name: str) -> dict[str, set[str]]:
        """The columns of published tables that a column's values go into, by table name."""
        columns = self._state.columns
        found: dict[str, set[str]] = {}
        waiting, done = [(table.id, name)], set()
        while waiting:
            place = waiting.pop()
            if place in done:
                continue
            done.add(place)
            at = self._state.project.tables[place[0]]
            if at.published:
                found.setdefault(at.name, set()).add(place[1])
            waiting += columns.followers_of(*place) if columns else ()
        return found

    def snapshot(
        self,
        snapshot: Snapshot,
        loads: Collection[Load] | None = None,
        reading: Collection[str] | None = None,
    ) -> Branch:
        """A snapshot, and the models that learned from it.

        Args:
            loads: only models that had one of these files.
            reading: only models that read one of these published tables.
        """
        project = self._state.project_of(snapshot)
        branches = []
        for model in self._state.models_of(snapshot):
            read = self._state.reads(model, project)
            if reading is not None and not any(table.name in reading for table in read):
                continue
            if loads is not None and not self._had(model, snapshot, project, read, loads):
                continue
            self._met[model.version] = model
            branches.append(Branch(model_node(model), why="learned from it"))
        return Branch(snapshot_node(snapshot, self._state.current), tuple(branches))

    def _had(
        self,
        model: ModelVersion,
        snapshot: Snapshot,
        project: Project,
        read: Iterable[Table],
        loads: Collection[Load],
    ) -> bool:
        upstream = project.upstream(table.id for table in read)
        entities = {project.tables[id].raw for id in upstream}
        wanted = {load.key for load in loads if load.entity in entities}
        had = self._state.batches_of(model, snapshot)
        return any((batch.batch_id, batch.sha256) in wanted for batch in had)

    def files(self, loads: Collection[Load]) -> tuple[Branch, ...]:
        """The snapshots that any of these files is behind, with their models."""
        keys = {load.key for load in loads}
        return tuple(
            self.snapshot(snapshot, loads)
            for snapshot in self._state.snapshots
            if any((batch.batch_id, batch.sha256) in keys for batch in snapshot.batches)
        )

    def snapshots_with(self, table: Table) -> tuple[Branch, ...]:
        """The snapshots that hold a table or something made from it, with the models that read it."""
        found = []
        for snapshot in self._state.snapshots:
            project = self._state.project_of(snapshot)
            if table.id in project.tables:
                reach = project.downstream([table.id])
                if names := {t.name for t in project.published() if t.id in reach}:
                    found.append(self.snapshot(snapshot, reading=names))
        return tuple(found)

    def snapshots_having(self, columns: Mapping[str, set[str]]) -> tuple[Branch, ...]:
        """The snapshots with any of these columns, with the models that read their tables.

        Args:
            columns: names by published table. A record that does not say its columns has them all.
        """
        found = []
        for snapshot in self._state.snapshots:
            tables = {
                table
                for table, names in columns.items()
                if table in snapshot.rows
                and names & (snapshot.schema.get(table, {}).keys() or names)
            }
            if tables:
                found.append(self.snapshot(snapshot, reading=tables))
        return tuple(found)


def derived_node(name: str) -> Node:
    """A feature that is computed at the lookup."""
    return Node("feature", name, (("computed", "at the lookup, from stored features"),))
