"""Upward: from a thing to what it was made from, down to landing files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from feature_store.snapshots import Snapshot
from quality.lineage.columns import ColumnLineage, Place
from quality.lineage.ledger import LOADED, Load
from quality.lineage.project import Project, Table
from quality.lineage.state import State
from quality.lineage.tree import Branch, FileGroup, Node, files_branch

VALUES, ROWS, ALL = "values", "rows", "all"


class Upward:
    """Trees over one state of the project and one set of files. A table is opened once.

    Args:
        loads: the files that count: those behind a snapshot, or all that are loaded.
        columns: lineage of the project's columns, when there is one.
    """

    def __init__(
        self,
        state: State,
        project: Project,
        loads: Iterable[Load],
        columns: ColumnLineage | None = None,
    ) -> None:
        self._shop_file = state.settings.shop_file.name
        self._project = project
        self._columns = columns
        self._opened: set[str] = set()
        self._loads: dict[str, list[Load]] = defaultdict(list)
        for load in loads:
            if load.status == LOADED:
                self._loads[load.entity].append(load)

    def table(self, table: Table, why: str = "") -> Branch:
        """A raw table or model, and all that it reads."""
        if table.id in self._opened:
            return Branch(table_node(table), why=why, seen=True)
        self._opened.add(table.id)
        if table.raw:
            return Branch(table_node(table), self._files(table), why)
        return Branch(table_node(table), self.parents(table), why)

    def parents(self, table: Table) -> tuple[Branch, ...]:
        """What a table reads, each in full at its first place."""
        return tuple(self.table(self._project.tables[id]) for id in table.parents)

    def column(self, table: Table, name: str, why: str = "") -> Branch:
        """A column, and the columns that its values come from; a count comes from rows."""
        node = column_node(table, name)
        if node.name in self._opened:
            return Branch(node, why=why, seen=True)
        self._opened.add(node.name)
        if table.raw:
            return Branch(node, (self.table(table, why="a column of"),), why)
        sources = self._columns.sources_of(table.id, name) if self._columns else ()
        if not sources:
            counted = tuple(
                self.table(self._project.tables[id], why="rows of") for id in table.parents
            )
            return Branch(node, counted, why)
        return Branch(
            node,
            tuple(
                self.column(
                    self._project.tables[source.table],
                    source.column,
                    "as it is" if source.as_it_is else "computed from",
                )
                for source in sources
            ),
            why,
        )

    def rows_of(self, table: Table) -> tuple[Branch, ...]:
        """The raw tables that have not been opened yet, and decide which rows the table has."""
        raw = [
            self._project.tables[id]
            for id in sorted(self._project.upstream([table.id]))
            if self._project.tables[id].raw and id not in self._opened
        ]
        return tuple(self.table(found, why="decides which rows count") for found in raw)

    def _files(self, table: Table) -> tuple[Branch, ...]:
        assert table.raw
        if table.raw in self._loads:
            return (files_branch(table.raw, self._loads[table.raw]),)
        if table.raw == "_shop":
            return (Branch(Node("shop file", self._shop_file)),)
        return ()

    def groups(
        self, tables: Iterable[Table], values: Iterable[Place] = ()
    ) -> tuple[FileGroup, ...]:
        """The files behind these tables, by entity.

        Args:
            values: the raw columns that values come from; the other entities' files count as ROWS.
        """
        from_columns: dict[str, list[str]] = defaultdict(list)
        for id, column in values:
            from_columns[id].append(column)
        groups = []
        for id in sorted(self._project.upstream(table.id for table in tables)):
            entity = self._project.tables[id].raw
            if entity is None or entity not in self._loads:
                continue
            role = ALL if not from_columns else VALUES if id in from_columns else ROWS
            columns = tuple(sorted(from_columns.get(id, ())))
            groups.append(FileGroup(entity, role, columns, tuple(self._loads[entity])))
        return tuple(sorted(groups, key=lambda group: (group.role != VALUES, group.entity)))

    def raw_columns(self, table: Table, name: str) -> set[Place]:
        """The columns of raw tables that a column's values come from. Where rows are counted, they
        are the counted rows' own columns."""
        if self._columns is None:
            return set()
        found: set[Place] = set()
        waiting = [(table.id, name)]
        done: set[Place] = set()
        while waiting:
            place = waiting.pop()
            if place in done:
                continue
            done.add(place)
            id, column = place
            if self._project.tables[id].raw:
                found.add(place)
                continue
            sources = self._columns.sources_of(id, column)
            waiting += [(source.table, source.column) for source in sources]
            if not sources:
                waiting += [(id, other) for other in self._columns.sources.get(id, ())]
        return found


def table_node(table: Table) -> Node:
    """A raw table, a model, or a published one."""
    if table.raw:
        return Node("raw table", table.name)
    kind = "published model" if table.published else "dbt model"
    return Node(kind, table.name, (("schema", table.schema),))


def column_node(table: Table, name: str) -> Node:
    """A column by its table's name; a published view's is a feature."""
    column = table.columns.get(name)
    facts = [("type", column.data_type)] if column and column.data_type else []
    if column and column.description:
        facts.append(("means", " ".join(column.description.split())))
    return Node("column", f"{table.name}.{name}", tuple(facts))


def published_node(snapshot: Snapshot, table: Table) -> Node:
    """The Parquet file of a model in a snapshot, which is also its feature view's source."""
    facts = [("rows", f"{snapshot.rows.get(table.name, 0):,}")]
    if sha256 := snapshot.files.get(table.name):
        facts.append(("sha256", sha256))
    if table.services is not None:
        facts.append(("feature view", table.name))
    if table.services:
        facts.append(("served by", ", ".join(table.services)))
    return Node("published file", f"{snapshot.hash}/{table.name}.parquet", tuple(facts))


def snapshot_node(snapshot: Snapshot, current: str | None) -> Node:
    """A published version."""
    facts = [
        ("as of", f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC"),
        ("published", f"{snapshot.published_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("rows", f"{sum(snapshot.rows.values()):,}"),
    ]
    if snapshot.hash == current:
        facts.append(("current", "yes"))
    return Node("snapshot", snapshot.hash, tuple(facts))
