"""Building the graph of a lake, once: from the ledger, dbt's manifests, the kept snapshots and the
model registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from feature_store.dbt_manifest import Manifest, Table
from feature_store.derivation import DERIVED_FEATURES
from feature_store.ledger import BatchRecord
from feature_store.registered_models import KIND, ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.columns import Source
from quality.lineage.graph import (
    COLUMN,
    DERIVED,
    RAW,
    TRAINING_SET,
    VIEW,
    Build,
    Graph,
    Key,
    Run,
    batch_key,
    build_of,
    column_key,
    model_key,
    published_key,
)
from quality.lineage.records import Records

_BEGINNING = datetime.fromtimestamp(0, UTC)


def stored_inputs(manifest: Manifest, inputs: Iterable[str]) -> list[tuple[Table, str]]:
    """The columns of feature views that a derived feature is computed from, with their tables."""
    return [
        (table, name)
        for name in inputs
        for table in manifest.published()
        if table.services is not None and name in table.columns
    ]


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
