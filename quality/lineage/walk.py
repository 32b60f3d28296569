"""The lineage of one asset in both directions: to the files it came from, and to the models made
with it."""

from __future__ import annotations

from feature_store.derivation import DERIVED_FEATURES
from feature_store.ledger import BatchRecord
from feature_store.registered_models import FEATURES_HASH
from feature_store.snapshots import Snapshot
from quality.lineage import names
from quality.lineage.branches import Downward, Upward, node_of
from quality.lineage.building import build_graph, stored_inputs
from quality.lineage.graph import (
    DERIVED,
    TRAINING_SET,
    Graph,
    Key,
    column_key,
    model_key,
    published_key,
)
from quality.lineage.names import Asset, find_asset, loads_named
from quality.lineage.nodes import file_node, files_branch, snapshot_node
from quality.lineage.records import read_records
from quality.lineage.tree import Node, Walk
from recomart.settings import Settings

NO_COLUMNS = (
    "this lineage is by table: run 'recomart docs' to see which columns each value comes from"
)


def walk(settings: Settings, name: str) -> Walk:
    """The lineage of the asset of this name (`find_asset` says which names an asset has).

    Raises:
        UnknownName: nothing has this name, or several assets have.
        NotReady: dbt has not built anything yet.
        WarehouseLocked: another process writes to the warehouse.
    """
    records = read_records(settings)
    asset = find_asset(records, name)
    by_kind = {
        names.MODEL: _model,
        names.SNAPSHOT: _snapshot,
        names.PUBLISHED: _published,
        names.TABLE: _table,
        names.COLUMN: _column,
        names.FEATURE: _derived,
        **dict.fromkeys(names.LOAD_FIELDS, _files),
    }
    return by_kind[asset.kind](build_graph(records), asset)


def _model(graph: Graph, asset: Asset) -> Walk:
    records = graph.records
    (model,) = (m for m in records.models if m.version == asset.name)
    key = model_key(model)
    snapshot = records.snapshot_of(model)
    if snapshot is None:
        hash = model.tags.get(FEATURES_HASH)
        gone = f"the snapshot {hash} that it learned from is no longer in the lake"
        return Walk(node_of(graph, key), models=(model,), notes=(gone,))
    batches = records.batches_of(model, snapshot)
    upward = Upward(graph, records.loads_of(batches))
    up = (upward.branch(Key(TRAINING_SET, "", model.version)),)
    notes = () if batches else (_no_batches(snapshot),)
    return Walk(node_of(graph, key), up, (), upward.groups([key]), (model,), notes)


def _snapshot(graph: Graph, asset: Asset) -> Walk:
    records = graph.records
    (snapshot,) = (s for s in records.snapshots if s.hash == asset.name)
    batches = snapshot.batches_behind()
    upward, downward = Upward(graph, records.loads_of(batches)), Downward(graph)
    files = [published_key(snapshot, t.name) for t in records.manifest_of(snapshot).published()]
    up = tuple(upward.branch(file) for file in files)
    down = downward.snapshot(snapshot, graph.downstream(files)).branches
    notes = () if batches else (_no_batches(snapshot),)
    start = snapshot_node(snapshot, records.current)
    return Walk(start, up, down, upward.groups(files), downward.models, notes)


def _published(graph: Graph, asset: Asset) -> Walk:
    hash, file = asset.name.split("/")
    (snapshot,) = (s for s in graph.records.snapshots if s.hash == hash)
    key = published_key(snapshot, file.removesuffix(".parquet"))
    upward = Upward(graph, graph.records.loads_of(snapshot.batches_behind()))
    downward = Downward(graph)
    down = downward.snapshots([key])
    start = node_of(graph, key)
    return Walk(start, upward.branches(key), down, upward.groups([key]), downward.models)


def _table(graph: Graph, asset: Asset) -> Walk:
    table = graph.records.manifest.named(asset.name)
    assert table is not None
    key = graph.table_key(graph.records.manifest, table.id)
    upward, downward = Upward(graph, graph.records.loads_behind(table.name)), Downward(graph)
    up = upward.branch(key).branches
    down = downward.branch(key).branches + downward.snapshots(graph.in_all_builds(table))
    return Walk(node_of(graph, key), up, down, upward.groups([key]), downward.models)


def _column(graph: Graph, asset: Asset) -> Walk:
    records = graph.records
    name, column = asset.name.rsplit(".", 1)
    table = records.manifest.named(name)
    assert table is not None
    key, of = column_key(table, column), graph.table_key(records.manifest, table.id)
    upward, downward = Upward(graph, records.loads_behind(table.name)), Downward(graph)
    if records.columns is None:
        up = upward.branch(of).branches
        down = downward.branch(of).branches + downward.snapshots(graph.in_all_builds(table))
        groups = upward.groups([of])
    else:
        up = upward.branch(key).branches + upward.rows_of(of)
        down = downward.branch(key).branches + downward.snapshots([key])
        groups = upward.groups([of], upward.raw_columns(key))
    return Walk(node_of(graph, key), up, down, groups, downward.models, _notes(graph))


def _derived(graph: Graph, asset: Asset) -> Walk:
    records, key = graph.records, Key(DERIVED, "", asset.name)
    stored = stored_inputs(records.manifest, DERIVED_FEATURES[asset.name])
    tables = [table for table, _ in stored]
    of = [graph.table_key(records.manifest, table.id) for table in tables]
    upward = Upward(graph, records.loads_behind(*(table.name for table in tables)))
    downward = Downward(graph)
    up, values = upward.branches(key), set[Key]()
    if records.columns is not None:
        up += tuple(branch for table in of for branch in upward.rows_of(table))
        values = {raw for column in stored for raw in upward.raw_columns(column_key(*column))}
    files = [published_key(s, table.name) for s in records.snapshots for table in tables]
    down = downward.snapshots(files)
    groups = upward.groups(of, values)
    return Walk(node_of(graph, key), up, down, groups, downward.models, _notes(graph))


def _files(graph: Graph, asset: Asset) -> Walk:
    manifest, loads = graph.records.manifest, loads_named(graph.records, asset)
    downward = Downward(graph)
    entities = sorted({load.entity for load in loads if load.is_loaded})
    raw = [table for entity in entities if (table := manifest.named(f"raw.{entity}"))]
    behind = downward.snapshots_of_loads(loads)
    loaded_into = [downward.branch(graph.table_key(manifest, t.id), "loaded into") for t in raw]
    down = (*loaded_into, *behind)
    notes = () if behind else (_not_published(loads),)
    if len(loads) == 1:
        return Walk(file_node(loads[0]), (), down, (), downward.models, notes)
    facts = [("batches", f"{len(loads):,}")]
    facts += [
        ("sha256", sha256) for sha256 in dict.fromkeys(load.sha256 for load in loads) if sha256
    ]
    up = tuple(
        files_branch(entity, [load for load in loads if load.entity == entity], "loaded as")
        for entity in entities
    )
    return Walk(Node("file", asset.name, tuple(facts)), up, down, (), downward.models, notes)


def _notes(graph: Graph) -> tuple[str, ...]:
    return (NO_COLUMNS,) if graph.records.columns is None else ()


def _no_batches(snapshot: Snapshot) -> str:
    return (
        f"snapshot {snapshot.hash} was published before its batches were recorded, so its files "
        "are not known"
    )


def _not_published(loads: tuple[BatchRecord, ...]) -> str:
    failed = [load for load in loads if not load.is_loaded]
    if failed:
        return f"nothing was made from it: {failed[0].error or 'its load failed'}"
    return (
        "no kept snapshot was made from it: it arrived after the last publish, or only older "
        "snapshots had it"
    )
