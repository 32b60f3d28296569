"""The lineage of a lake as one graph: what was made of what, and by which run.

Nodes are batches, tables, published files, feature views, training sets, models and columns. The
graph is built once, from the ledger, dbt's manifests, the kept snapshots and the model registry.
The walk (`quality/lineage/walk.py`) and the OpenLineage events (`quality/lineage/events.py`) are two
renderings of it: the walk follows its edges, the events list its runs.

    batch -> raw table -> dbt tables -> published file (-> feature view) -> training set -> model

A dbt table is a node for each build of it, because each snapshot was published from a build with
its own manifest. A raw table is one node, because it only grows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from feature_store.dbt_manifest import Manifest, Table, reach
from feature_store.derivation import DERIVED_FEATURES
from feature_store.ledger import BatchRecord
from feature_store.registered_models import KIND, ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.columns import Source
from quality.lineage.records import Records

BATCH, RAW, TABLE, COLUMN, DERIVED = "batch", "raw", "table", "column", "derived"
PUBLISHED, VIEW, TRAINING_SET, MODEL = "published", "view", "training_set", "model"
_BEGINNING = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, order=True)
class Key:
    """The identity of a node.

    Args:
        kind: BATCH, RAW, TABLE, COLUMN, DERIVED, PUBLISHED, VIEW, TRAINING_SET or MODEL.
        scope: the build of a TABLE, the snapshot's hash of a PUBLISHED file or VIEW, the sha256 of
            a BATCH, the table's id of a COLUMN; else "".
        name: the batch's id, the raw table's name, the table's id in dbt, the published table's
            name, the column, the derived feature, or the model's version.
    """

    kind: str
    scope: str
    name: str


@dataclass(frozen=True)
class Run:
    """One run that made something which still exists.

    Args:
        job: what ran, `ingest.ratings`.
        id: what it was about; unique among all runs, and equal in two readings of one lake.
        batch: the batch, for a run of ingest; else "".
        build: the dbt build, for a run of dbt; else "".
        error: why it failed; None when it succeeded.
    """

    job: str
    id: str
    started_at: datetime
    ended_at: datetime
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    batch: str = ""
    build: str = ""
    error: str | None = None


@dataclass(frozen=True)
class Build:
    """A build of the dbt project that a snapshot was published from.

    Args:
        last_batch: the newest batch of each entity that it read.
    """

    manifest: Manifest
    last_batch: dict[str, str]


class Graph:
    """The graph of one lake; `build_graph` makes it.

    Attributes:
        tables: what the nodes RAW, TABLE, PUBLISHED and VIEW are, by key.
        runs: in the order of the data's way.
        builds: by the scope of their tables.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self.tables: dict[Key, Table] = {}
        self.runs: list[Run] = []
        self.builds: dict[str, Build] = {}
        self._parents: dict[Key, dict[Key, str]] = defaultdict(dict)
        self._children: dict[Key, dict[Key, str]] = defaultdict(dict)

    def parents(self, key: Key) -> dict[Key, str]:
        """What a node was made of, each with how ("" where that is plain), in order."""
        return self._parents.get(key, {})

    def children(self, key: Key) -> dict[Key, str]:
        """What was made of a node, in order."""
        return self._children.get(key, {})

    def upstream(self, keys: Iterable[Key]) -> set[Key]:
        """These nodes and all that they were made of."""
        return _reach(keys, self._parents)

    def downstream(self, keys: Iterable[Key]) -> set[Key]:
        """These nodes and all that was made of them."""
        return _reach(keys, self._children)

    def table_key(self, manifest: Manifest, id: str) -> Key:
        """The node of a table of a build."""
        table = manifest.tables[id]
        return Key(RAW, "", table.source) if table.source else Key(TABLE, build_of(manifest), id)

    def in_all_builds(self, table: Table) -> list[Key]:
        """The nodes of a table of the newest build, and of the same table in each published build."""
        if table.source:
            return [Key(RAW, "", table.source)]
        return [Key(TABLE, build, table.id) for build in self.builds]

    def computed_columns(self, table_id: str) -> list[Key]:
        """The columns of a table of the newest build that the lineage of columns knows."""
        columns = self.records.columns
        names = columns.sources.get(table_id, {}) if columns else {}
        return [Key(COLUMN, table_id, name) for name in names]

    def connect(self, parents: Iterable[Key], child: Key, how: str = "") -> None:
        """Add edges from what a node was made of."""
        for parent in parents:
            self._parents[child].setdefault(parent, how)
            self._children[parent].setdefault(child, how)

    def connect_up(self, child: Key, parents: Iterable[Key], how: str) -> None:
        """Add edges that lead up alone: from a column to a table, whose columns are not its parts."""
        for parent in parents:
            self._parents[child].setdefault(parent, how)

    def connect_down(self, parent: Key, child: Key) -> None:
        """Add an edge that leads down alone: from a column to the file that holds it."""
        self._children[parent].setdefault(child, "")

    def add_run(self, run: Run, how: str = "") -> None:
        """Add a run, and the edges from its inputs to its outputs."""
        self.runs.append(run)
        for output in run.outputs:
            self.connect(run.inputs, output, how)


def batch_key(load: BatchRecord) -> Key:
    """The node of a batch."""
    return Key(BATCH, load.sha256 or "", load.batch_id)


def model_key(model: ModelVersion) -> Key:
    """The node of a registered model."""
    return Key(MODEL, "", model.version)


def published_key(snapshot: Snapshot, name: str) -> Key:
    """The node of a published table's file."""
    return Key(PUBLISHED, snapshot.hash, name)


def column_key(table: Table, name: str) -> Key:
    """The node of a column of the newest build."""
    return Key(COLUMN, table.id, name)


def stored_inputs(manifest: Manifest, inputs: Iterable[str]) -> list[tuple[Table, str]]:
    """The columns of feature views that a derived feature is computed from, with their tables."""
    return [
        (table, name)
        for name in inputs
        for table in manifest.published()
        if table.services is not None and name in table.columns
    ]


def build_of(manifest: Manifest) -> str:
    """What names a build: dbt's invocation, or the digest of its code where there is none."""
    return manifest.invocation or manifest.digest


def build_graph(records: Records) -> Graph:
    """The graph of a lake."""
    graph = Graph(records)
    for load in records.loads:
        _add_load(graph, load)
    for snapshot in reversed(records.snapshots):
        manifest = records.manifest_of(snapshot)
        if build_of(manifest) not in graph.builds:
            _add_build(graph, manifest, snapshot)
        _add_publication(graph, manifest, snapshot)
    for model in records.models:
        snapshot_of_it = records.snapshot_of(model)
        if snapshot_of_it is not None:
            _add_training(graph, model, snapshot_of_it)
    _add_newest_tables(graph, records.manifest)
    _add_columns(graph)
    return graph


def _add_load(graph: Graph, load: BatchRecord) -> None:
    raw = graph.records.manifest.named(f"raw.{load.entity}")
    if raw is None:
        return  # no model reads the entity
    start = load.started_at or _BEGINNING
    graph.add_run(
        Run(
            job=f"ingest.{load.entity}",
            id=f"{load.batch_id}/{load.sha256}",
            started_at=start,
            ended_at=load.finished_at or start,
            inputs=(batch_key(load),) if load.landed_file else (),
            outputs=(graph.table_key(graph.records.manifest, raw.id),) if load.is_loaded else (),
            batch=load.batch_id,
            error=None if load.is_loaded else load.error or "the file could not be loaded",
        )
    )


def _add_build(graph: Graph, manifest: Manifest, snapshot: Snapshot) -> None:
    """dbt's run of each model that leads to a published one."""
    last: dict[str, str] = {}
    for batch in snapshot.batches_behind():
        last[batch.entity] = max(batch.batch_id, last.get(batch.entity, ""))
    build = build_of(manifest)
    graph.builds[build] = Build(manifest, last)
    run = graph.records.runs.get(manifest.invocation)
    generated = snapshot.published_at
    if manifest.generated_at:
        generated = datetime.fromisoformat(manifest.generated_at)
    for id in sorted(manifest.upstream(table.id for table in manifest.published())):
        key = graph.table_key(manifest, id)
        graph.tables[key] = manifest.tables[id]
        if key.kind == RAW:
            continue
        graph.add_run(
            Run(
                job=f"dbt.{id}",
                id=f"{build}/{id}",
                started_at=run.started_at if run and run.finished_at else generated,
                ended_at=run.finished_at if run and run.finished_at else generated,
                inputs=tuple(graph.table_key(manifest, p) for p in manifest.tables[id].parents),
                outputs=(key,),
                build=build,
            )
        )


def _add_publication(graph: Graph, manifest: Manifest, snapshot: Snapshot) -> None:
    at = snapshot.published_at
    for table in manifest.published():
        file, view = published_key(snapshot, table.name), Key(VIEW, snapshot.hash, table.name)
        graph.tables[file] = table
        built = graph.table_key(manifest, table.id)
        run_id = f"{snapshot.hash}/{table.name}"
        graph.add_run(
            Run(f"publish.{table.name}", run_id, at, at, (built,), (file,)), "copied from"
        )
        if table.services is not None:
            graph.tables[view] = table
            run_id = f"{snapshot.hash}/view/{table.name}"
            graph.add_run(Run(f"feature_view.{table.name}", run_id, at, at, (file,), (view,)))


def _add_training(graph: Graph, model: ModelVersion, snapshot: Snapshot) -> None:
    tables = graph.records.manifest_of(snapshot).tables
    kind, at = model.tags.get(KIND, "unknown"), model.registered_at
    # features reach training through Feast, everything else is read from the files
    inputs = tuple(
        published_key(snapshot, tables[id].name)
        if tables[id].services is None
        else Key(VIEW, snapshot.hash, tables[id].name)
        for id in graph.records.reads(model, snapshot)
    )
    training_set = Key(TRAINING_SET, "", model.version)
    run_id = f"{model.version}/{model.run_id}"
    graph.add_run(
        Run(f"training_set.{kind}", f"{run_id}/training_set", at, at, inputs, (training_set,))
    )
    graph.add_run(Run(f"train.{kind}", run_id, at, at, (training_set,), (model_key(model),)))


def _add_newest_tables(graph: Graph, manifest: Manifest) -> None:
    """All tables of the newest build, also those that are not published, or not yet."""
    for id, table in sorted(manifest.tables.items()):
        key = graph.table_key(manifest, id)
        graph.tables[key] = table
        graph.connect([graph.table_key(manifest, parent) for parent in table.parents], key)


def _add_columns(graph: Graph) -> None:
    """The columns of the newest build, each with the columns that it is computed from."""
    manifest, columns = graph.records.manifest, graph.records.columns
    if columns is not None:
        for id, table in sorted(manifest.tables.items()):
            for name in sorted(columns.names_of(table)):
                _add_column(graph, table, name, columns.sources_of(id, name))
    for derived, inputs in DERIVED_FEATURES.items():
        key = Key(DERIVED, "", derived)
        for table, name in stored_inputs(manifest, inputs):
            if columns is not None:
                graph.connect([column_key(table, name)], key, "computed from")
            else:
                graph.connect_up(
                    key, [graph.table_key(manifest, table.id)], "computed from its columns"
                )


def _add_column(graph: Graph, table: Table, name: str, sources: Sequence[Source]) -> None:
    manifest, key = graph.records.manifest, column_key(table, name)
    for source in sources:
        how = "as it is" if source.as_it_is else "computed from"
        graph.connect([Key(COLUMN, source.table, source.column)], key, how)
    if table.source:
        graph.connect_up(key, [graph.table_key(manifest, table.id)], "a column of")
    elif not sources:  # a count
        graph.connect_up(key, (graph.table_key(manifest, id) for id in table.parents), "rows of")
    if table.is_published:
        for snapshot in graph.records.snapshots:
            schema = snapshot.schema.get(table.name, {})  # an old record does not say its columns
            if table.name in snapshot.rows and (name in schema or not schema):
                graph.connect_down(key, published_key(snapshot, table.name))


def _reach(start: Iterable[Key], edges: dict[Key, dict[Key, str]]) -> set[Key]:
    return reach(start, lambda key: edges.get(key, {}))
