"""Walking both ways from one thing: to the files it came from, and to the models made with it."""

from __future__ import annotations

from feature_store.derived import DERIVED_FEATURES
from feature_store.registered_models import FEATURES_HASH, TRAINING_HASH
from feature_store.snapshots import Snapshot
from quality.lineage import things
from quality.lineage.downward import Downward, derived_node
from quality.lineage.ledger import LOADED, Load
from quality.lineage.state import State, read_state
from quality.lineage.things import Thing, find_thing, loads_named
from quality.lineage.tree import Branch, Node, Walk, file_node, files_branch, model_node
from quality.lineage.upward import (
    Upward,
    column_node,
    published_node,
    snapshot_node,
    table_node,
)
from recomart.settings import Settings

NO_COLUMNS = (
    "lineage is told by table here: 'recomart docs' adds which columns each value comes from"
)


def walk(settings: Settings, thing: str) -> Walk:
    """Both ways from a thing (see `find_thing` for how it may be called).

    Raises:
        UnknownName: nothing has this name, or several things have.
        NotReady: dbt has not built anything yet.
        WarehouseLocked: another process writes to the warehouse.
    """
    state = read_state(settings)
    found = find_thing(state, thing)
    by_kind = {
        things.MODEL: _model,
        things.SNAPSHOT: _snapshot,
        things.PUBLISHED: _published,
        things.TABLE: _table,
        things.COLUMN: _column,
        things.FEATURE: _derived,
        **dict.fromkeys(things.OF_LOADS, _files),
    }
    return by_kind[found.kind](state, found)


def _model(state: State, thing: Thing) -> Walk:
    (model,) = (m for m in state.models if m.version == thing.name)
    snapshot = state.snapshot_of(model)
    if snapshot is None:
        hash = model.tags.get(FEATURES_HASH)
        gone = f"the snapshot {hash} that it learned from is no longer in the lake"
        return Walk(model_node(model), models=(model,), notes=(gone,))
    project = state.project_of(snapshot)
    reads = state.reads(model, project)
    batches = state.batches_of(model, snapshot)
    upward = Upward(state, project, state.loads_of(batches))
    training_set = Node(
        "training set",
        model.tags.get(TRAINING_HASH, "unknown"),
        tuple((name, value) for name, value in (("read", ", ".join(t.name for t in reads)),)),
    )
    files = tuple(
        Branch(published_node(snapshot, table), (upward.table(table, "copied from"),))
        for table in reads
    )
    up = Branch(training_set, (Branch(snapshot_node(snapshot, state.current), files),))
    notes = () if batches else (_no_batches(snapshot),)
    return Walk(model_node(model), (up,), (), upward.groups(reads), (model,), notes)


def _snapshot(state: State, thing: Thing) -> Walk:
    snapshot = state.kept(thing.name)
    project = state.project_of(snapshot)
    batches = snapshot.batches_behind()
    upward = Upward(state, project, state.loads_of(batches))
    up = tuple(
        Branch(published_node(snapshot, table), (upward.table(table, "copied from"),))
        for table in project.published()
    )
    downward = Downward(state)
    down = downward.snapshot(snapshot).branches
    notes = () if batches else (_no_batches(snapshot),)
    groups = upward.groups(project.published())
    return Walk(snapshot_node(snapshot, state.current), up, down, groups, downward.models, notes)


def _published(state: State, thing: Thing) -> Walk:
    hash, file = thing.name.split("/")
    snapshot = state.kept(hash)
    project = state.project_of(snapshot)
    table = project.named(file.removesuffix(".parquet"))
    assert table is not None
    upward = Upward(state, project, state.loads_of(snapshot.batches_behind()))
    downward = Downward(state)
    down = (downward.snapshot(snapshot, reading=[table.name]),)
    up = (upward.table(table, "copied from"),)
    node = published_node(snapshot, table)
    return Walk(node, up, down, upward.groups([table]), downward.models)


def _table(state: State, thing: Thing) -> Walk:
    table = state.project.named(thing.name)
    assert table is not None
    upward, downward = Upward(state, state.project, state.loads_for(table)), Downward(state)
    up = upward.table(table).branches
    down = downward.table(table).branches + downward.snapshots_with(table)
    return Walk(table_node(table), up, down, upward.groups([table]), downward.models)


def _column(state: State, thing: Thing) -> Walk:
    name, column = thing.name.rsplit(".", 1)
    table = state.project.named(name)
    assert table is not None
    upward = Upward(state, state.project, state.loads_for(table), state.columns)
    downward = Downward(state)
    notes = () if state.columns else (NO_COLUMNS,)
    if state.columns is None:
        up = upward.table(table, "a column of").branches
        down = downward.table(table).branches + downward.snapshots_with(table)
    else:
        up = upward.column(table, column).branches + upward.rows_of(table)
        down = downward.column(table, column)
        down += downward.snapshots_having(downward.published_columns(table, column))
    groups = upward.groups([table], upward.raw_columns(table, column))
    return Walk(column_node(table, column), up, down, groups, downward.models, notes)


def _derived(state: State, thing: Thing) -> Walk:
    inputs = DERIVED_FEATURES[thing.name]
    stored = [
        (table, name)
        for name in inputs
        for table in state.project.published()
        if table.services is not None and name in table.columns
    ]
    tables = [table for table, _ in stored]
    loads = state.loads_for(*tables)
    upward, downward = Upward(state, state.project, loads, state.columns), Downward(state)
    if state.columns is None:
        up = tuple(upward.table(table, "computed from its columns") for table in tables)
    else:
        up = tuple(upward.column(table, name, "computed from") for table, name in stored)
        up += tuple(branch for table in tables for branch in upward.rows_of(table))
    values = {place for table, name in stored for place in upward.raw_columns(table, name)}
    names = {table.name for table in tables}
    down = tuple(downward.snapshot(snapshot, reading=names) for snapshot in state.snapshots)
    notes = () if state.columns else (NO_COLUMNS,)
    groups = upward.groups(tables, values)
    return Walk(derived_node(thing.name), up, down, groups, downward.models, notes)


def _files(state: State, thing: Thing) -> Walk:
    loads = loads_named(state, thing)
    downward = Downward(state)
    entities = sorted({load.entity for load in loads if load.status == LOADED})
    raw = [table for entity in entities if (table := state.project.named(f"raw.{entity}"))]
    behind = downward.files(loads)
    down = (*(downward.table(table, "loaded into") for table in raw), *behind)
    notes = () if behind else (_not_published(loads),)
    if len(loads) == 1:
        return Walk(file_node(loads[0]), (), down, (), downward.models, notes)
    facts = [("batches", f"{len(loads):,}")]
    facts += [
        ("sha256", sha256) for sha256 in dict.fromkeys(load.sha256 for load in loads) if sha256
    ]
    up = tuple(files_branch(entity, _of(loads, entity), "loaded as") for entity in entities)
    return Walk(Node("file", thing.name, tuple(facts)), up, down, (), downward.models, notes)


def _of(loads: tuple[Load, ...], entity: str) -> list[Load]:
    return [load for load in loads if load.entity == entity]


def _no_batches(snapshot: Snapshot) -> str:
    return (
        f"snapshot {snapshot.hash} was published before batches were recorded with it: "
        "its files are not known"
    )


def _not_published(loads: tuple[Load, ...]) -> str:
    failed = [load for load in loads if load.status != LOADED]
    if failed:
        return f"nothing was made from it: {failed[0].error or 'its load failed'}"
    return "no kept snapshot was made from it: it came after the last publish, or only before"
