"""Trees over the lineage graph: upwards to the landing files, downwards to the models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from feature_store.ledger import BatchRecord
from feature_store.registered_models import ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.graph import (
    COLUMN,
    DERIVED,
    MODEL,
    PUBLISHED,
    RAW,
    TABLE,
    TRAINING_SET,
    VIEW,
    Graph,
    Key,
    build_of,
    model_key,
    published_key,
)
from quality.lineage.nodes import (
    column_node,
    derived_node,
    files_branch,
    model_node,
    published_node,
    snapshot_node,
    table_node,
    training_set_node,
)
from quality.lineage.tree import Branch, FileGroup, Node

VALUES, ROWS, ALL = "values", "rows", "all"


class Upward:
    """Trees of what nodes were made of. A node is opened once, at its first place.

    Args:
        loads: the files that count: those behind a snapshot, or all that are loaded. A raw table
            also has the files of later batches.
    """

    def __init__(self, graph: Graph, loads: Iterable[BatchRecord]) -> None:
        self._graph = graph
        self._opened: set[Key] = set()
        self._loads: dict[str, list[BatchRecord]] = defaultdict(list)
        for load in loads:
            if load.is_loaded:
                self._loads[load.entity].append(load)

    def branch(self, key: Key, why: str = "") -> Branch:
        """A node, and all that it was made of."""
        node = node_of(self._graph, key)
        if key in self._opened:
            return Branch(node, why=why, seen=True)
        self._opened.add(key)
        return Branch(node, self.branches(key), why)

    def branches(self, key: Key) -> tuple[Branch, ...]:
        """What a node was made of."""
        if key.kind == RAW:
            return self._files(key.name)
        if key.kind == TRAINING_SET:
            return self._snapshot_of(key)
        return tuple(self.branch(*parent) for parent in self._graph.parents(key).items())

    def rows_of(self, key: Key) -> tuple[Branch, ...]:
        """The raw tables above a node that have not been opened yet: they decide which rows count."""
        raw = [k for k in self._graph.upstream([key]) if k.kind == RAW and k not in self._opened]
        by_id = sorted(raw, key=lambda k: self._graph.tables[k].id)
        return tuple(self.branch(found, "decides which rows count") for found in by_id)

    def _files(self, entity: str) -> tuple[Branch, ...]:
        if entity in self._loads:
            return (files_branch(entity, self._loads[entity]),)
        if entity == "_shop":
            return (Branch(Node("shop file", self._graph.records.settings.shop_file.name)),)
        return ()

    def _snapshot_of(self, training_set: Key) -> tuple[Branch, ...]:
        """The files that a model read, under the snapshot that they belong to."""
        records = self._graph.records
        snapshot = records.snapshot_of(_model(self._graph, training_set))
        assert snapshot is not None  # or the graph would not have the training set
        read = tuple(self.branch(file) for file in published_files(self._graph, training_set))
        return (Branch(snapshot_node(snapshot, records.current), read),)

    def groups(self, keys: Iterable[Key], values: Iterable[Key] = ()) -> tuple[FileGroup, ...]:
        """The files behind these nodes, by entity.

        Args:
            values: the columns of raw tables that values come from; the files of the other
                entities count as ROWS.
        """
        from_columns: dict[str, list[str]] = defaultdict(list)
        for column in values:
            raw = next(k for k in self._graph.parents(column) if k.kind == RAW)
            from_columns[raw.name].append(column.name)
        groups = []
        for entity in {key.name for key in self._graph.upstream(keys) if key.kind == RAW}:
            if entity in self._loads:
                role = ALL if not from_columns else VALUES if entity in from_columns else ROWS
                columns = tuple(sorted(from_columns.get(entity, ())))
                groups.append(FileGroup(entity, role, columns, tuple(self._loads[entity])))
        return tuple(sorted(groups, key=lambda group: (group.role != VALUES, group.entity)))

    def raw_columns(self, column: Key) -> set[Key]:
        """The columns of raw tables that a column's values come from.

        Where rows are counted, they are the columns of the counted rows.
        """
        found: set[Key] = set()
        waiting, done = [column], set[Key]()
        while waiting:
            key = waiting.pop()
            if key in done:
                continue
            done.add(key)
            parents = self._graph.parents(key)
            if any(parent.kind == RAW and how == "a column of" for parent, how in parents.items()):
                found.add(key)
            elif computed := [parent for parent in parents if parent.kind == COLUMN]:
                waiting += computed
            else:
                waiting += self._graph.computed_columns(key.scope)
        return found


class Downward:
    """Trees of what was made of nodes, and the models at their ends."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._opened: set[Key] = set()
        self._met: set[str] = set()
        manifest = graph.records.manifest
        self._newest = build_of(manifest)
        published = (graph.table_key(manifest, table.id) for table in manifest.published())
        self._leading = graph.upstream(published)

    @property
    def models(self) -> tuple[ModelVersion, ...]:
        """The models met so far, oldest first."""
        return tuple(m for m in self._graph.records.models if m.version in self._met)

    def branch(self, key: Key, why: str = "") -> Branch:
        """A table or column, and what was made of it."""
        node = node_of(self._graph, key)
        if key in self._opened:
            return Branch(node, why=why, seen=True)
        self._opened.add(key)
        return Branch(node, self.branches(key), why)

    def branches(self, key: Key) -> tuple[Branch, ...]:
        """The tables of the newest build that lead to a published one, or the columns."""
        return tuple(
            self.branch(child) for child in self._graph.children(key) if self._shows(child)
        )

    def _shows(self, key: Key) -> bool:
        if key.kind == TABLE:
            return key.scope == self._newest and key in self._leading
        return key.kind in (COLUMN, DERIVED)

    def snapshots(self, keys: Iterable[Key]) -> tuple[Branch, ...]:
        """The snapshots that have a file made of these nodes, each with the models that read it."""
        reached = self._graph.downstream(keys)
        holding = {key.scope for key in reached if key.kind == PUBLISHED}
        return tuple(
            self.snapshot(snapshot, reached)
            for snapshot in self._graph.records.snapshots
            if snapshot.hash in holding
        )

    def snapshots_of_loads(self, loads: Iterable[BatchRecord]) -> tuple[Branch, ...]:
        """The snapshots that any of these files is behind, each with the models that had the file.

        A raw table has files that came after a snapshot, so the records of the snapshot and of the
        model decide: a model had the file if it was behind the snapshot when the model learned.
        """
        records = self._graph.records
        keys = {load.key: Key(RAW, "", load.entity) for load in loads}
        found = []
        for snapshot in records.snapshots:
            if not any((batch.batch_id, batch.sha256) in keys for batch in snapshot.batches):
                continue
            had = set[Key]()
            for model in records.models:
                if records.snapshot_of(model) is snapshot:
                    behind = {(b.batch_id, b.sha256) for b in records.batches_of(model, snapshot)}
                    raw = {keys[key] for key in keys.keys() & behind}
                    had |= {model_key(model)} & self._graph.downstream(raw)
            found.append(self.snapshot(snapshot, had))
        return tuple(found)

    def snapshot(self, snapshot: Snapshot, reached: Iterable[Key]) -> Branch:
        """A snapshot, and the models among `reached` that learned from it."""
        records, versions = self._graph.records, {k.name for k in reached if k.kind == MODEL}
        models = [
            model
            for model in records.models
            if model.version in versions and records.snapshot_of(model) is snapshot
        ]
        self._met |= {model.version for model in models}
        learned = tuple(Branch(model_node(model), why="learned from it") for model in models)
        return Branch(snapshot_node(snapshot, records.current), learned)


def published_files(graph: Graph, training_set: Key) -> list[Key]:
    """The published files that a training set was read from, directly or through their views."""
    return [
        published_key(_snapshot(graph, key), key.name) if key.kind == VIEW else key
        for key in graph.parents(training_set)
    ]


def node_of(graph: Graph, key: Key) -> Node:
    """A node of the graph as a line of a tree."""
    if key.kind == COLUMN:
        return column_node(graph.records.manifest.tables[key.scope], key.name)
    if key.kind == DERIVED:
        return derived_node(key.name)
    if key.kind == PUBLISHED:
        return published_node(_snapshot(graph, key), graph.tables[key])
    if key.kind in (MODEL, TRAINING_SET):
        model = _model(graph, key)
        if key.kind == MODEL:
            return model_node(model)
        return training_set_node(model, (file.name for file in published_files(graph, key)))
    return table_node(graph.tables[key])


def _snapshot(graph: Graph, key: Key) -> Snapshot:
    return next(s for s in graph.records.snapshots if s.hash == key.scope)


def _model(graph: Graph, key: Key) -> ModelVersion:
    return next(model for model in graph.records.models if model.version == key.name)
