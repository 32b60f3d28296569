"""dbt's manifest, parsed in one place: tables and their columns, the tests, and who reads whom.

Publishing, the Dagster graph, the data-quality report and the lineage read the manifest through
`read_manifest`, so a model means the same to all of them.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

from feature_store.dbt_tests import claim_of
from recomart.project import DBT_PROJECT
from recomart.settings import Settings

MANIFEST, RUN_RESULTS = "manifest.json", "run_results.json"
DECLARED = "shop_declared"
"""The macro that ingest and transform write into a lake: its shop's rules and columns."""
Node = TypeVar("Node")
_TABLE_TYPES = ("model", "source", "seed", "snapshot")


@dataclass(frozen=True)
class TableColumn:
    """A column as its YAML declares it.

    Args:
        data_type: as written; None when it is not declared.
        in_services: false for a column that belongs to no feature service.
        not_null: a constraint forbids nulls, so that the build itself fails on one.
    """

    name: str
    data_type: str | None
    description: str
    in_services: bool = True
    not_null: bool = False


@dataclass(frozen=True)
class Table:
    """A source table or a dbt model.

    Args:
        id: dbt's unique id.
        name: the model's name; the alias of a model that has versions (`ftr_users_v2`); a source
            table's name with its schema, `raw.events`.
        source: the bare name of a source table; None for a model.
        alias: the name of the table in the warehouse.
        parents: ids of the tables that it reads, sorted.
        meta: `config.meta` of the model.
        path: the model's file, relative to the dbt project.
    """

    id: str
    name: str
    database: str
    schema: str
    alias: str
    description: str
    columns: Mapping[str, TableColumn]
    parents: tuple[str, ...]
    source: str | None = None
    version: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""

    @property
    def relation(self) -> str:
        """`database.schema.table`."""
        return f"{self.database}.{self.schema}.{self.alias}"

    @property
    def is_published(self) -> bool:
        """Whether publish copies it into a snapshot."""
        return "publish" in self.meta

    @property
    def services(self) -> tuple[str, ...] | None:
        """Feast's services that its feature view belongs to; None when it is not a view."""
        feast = self.meta.get("feast")
        return tuple(feast.get("services", ())) if feast else None


@dataclass(frozen=True)
class DataTest:
    """A test that dbt runs over the warehouse.

    Args:
        table: the name of the table that it is declared with; "" for a test of several tables.
        claim: what it checks, as a sentence.
    """

    id: str
    name: str
    table: str
    claim: str


@dataclass(frozen=True)
class Manifest:
    """All tables and tests of a dbt project at one parse.

    Args:
        tables: by id, in the manifest's order.
        tests: the enabled ones, by id.
        invocation: the dbt run that wrote it; "" when it does not say.
        generated_at: when it was written, ISO 8601.
        digest: a hash of the SQL and the macros, equal for two parses of one state of the code, whatever
            the shop declares.
    """

    tables: Mapping[str, Table]
    tests: Mapping[str, DataTest]
    invocation: str
    generated_at: str
    digest: str

    @cached_property
    def models(self) -> tuple[Table, ...]:
        """The models, each after those that it reads."""
        graph = {id: table.parents for id, table in self.tables.items() if table.source is None}
        return tuple(
            self.tables[id] for id in TopologicalSorter(graph).static_order() if id in graph
        )

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of the tables that read a table, sorted, by its id."""
        found: dict[str, list[str]] = defaultdict(list)
        for id, table in self.tables.items():
            for parent in table.parents:
                found[parent].append(id)
        return {id: tuple(sorted(ids)) for id, ids in found.items()}

    def published(self) -> tuple[Table, ...]:
        """The models that publish copies, by name."""
        found = (table for table in self.tables.values() if table.is_published)
        return tuple(sorted(found, key=lambda table: table.name))

    def named(self, name: str) -> Table | None:
        """The table of this name; a source table is also found by its bare name."""
        found = [table for table in self.tables.values() if name in (table.name, table.source)]
        return min(found, key=lambda table: table.name != name, default=None)

    def upstream(self, ids: Iterable[str]) -> set[str]:
        """These tables and all that they read, directly or not."""
        return reach(ids, lambda id: self.tables[id].parents)


def read_manifest(path: Path) -> Manifest:
    """Parse a manifest.json of dbt's.

    Raises:
        OSError, ValueError: the file is missing, or it is not JSON.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    nodes = {**content.get("nodes", {}), **content.get("sources", {})}
    relations = {
        id: node
        for id, node in nodes.items()
        if node["resource_type"] in _TABLE_TYPES and not _is_inlined(node)
    }
    tables = {id: _table(id, node, nodes, relations) for id, node in relations.items()}
    metadata = content.get("metadata", {})
    return Manifest(
        tables=tables,
        tests={
            id: _test(id, node, tables)
            for id, node in nodes.items()
            if node["resource_type"] == "test" and node.get("config", {}).get("enabled", True)
        },
        invocation=metadata.get("invocation_id") or "",
        generated_at=metadata.get("generated_at") or "",
        digest=_digest(content, metadata.get("project_name")),
    )


def artifact_folders(settings: Settings) -> tuple[Path, ...]:
    """Where dbt leaves its artifacts: in the lake (the pipeline), or in dbt_project/target (dbt by
    hand)."""
    return settings.lake / "dbt", DBT_PROJECT / "target"


def artifacts(settings: Settings, name: str) -> list[Path]:
    """The artifacts of this name (MANIFEST, RUN_RESULTS) that exist, the lake's first."""
    return [path for folder in artifact_folders(settings) if (path := folder / name).exists()]


def reach(start: Iterable[Node], following: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """The start, and all nodes that `following` leads to from it."""
    found: set[Node] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(following(node))
    return found


def _is_inlined(node: dict[str, Any]) -> bool:
    """Whether dbt makes no table of a model, but writes its SQL into those that read it."""
    return (node.get("config") or {}).get("materialized") == "ephemeral"


def _parents(node: dict[str, Any], nodes: dict[str, Any]) -> tuple[str, ...]:
    """What a node reads; of an inlined model, what that one reads."""
    named = (node.get("depends_on") or {}).get("nodes", ())
    return tuple(
        parent
        for name in named
        for parent in (_parents(nodes[name], nodes) if _is_inlined(nodes.get(name, {})) else [name])
    )


def _table(
    id: str, node: dict[str, Any], nodes: dict[str, Any], relations: dict[str, Any]
) -> Table:
    bare, schema, version = node["name"], node.get("schema") or "", node.get("version")
    source = bare if node["resource_type"] == "source" else None
    alias = node.get("alias") or node.get("identifier") or bare
    name = f"{schema}.{bare}" if source else bare if version is None else alias
    parents = _parents(node, nodes)
    return Table(
        id=id,
        name=name,
        database=node.get("database") or "warehouse",
        schema=schema,
        alias=alias,
        description=node.get("description") or "",
        columns={
            name: _column(name, column) for name, column in (node.get("columns") or {}).items()
        },
        parents=tuple(sorted({parent for parent in parents if parent in relations})),
        source=source,
        version=None if version is None else str(version),
        meta=(node.get("config") or {}).get("meta") or {},
        path=node.get("original_file_path") or "",
    )


def _column(name: str, column: dict[str, Any]) -> TableColumn:
    meta = (column.get("config") or {}).get("meta") or {}
    constraints = column.get("constraints") or ()
    return TableColumn(
        name=name,
        data_type=column.get("data_type"),
        description=column.get("description") or "",
        in_services=meta.get("in_services", True),
        not_null=any(constraint.get("type") == "not_null" for constraint in constraints),
    )


def _test(id: str, node: dict[str, Any], tables: dict[str, Table]) -> DataTest:
    attached = str(node.get("attached_node") or "")
    table = tables[attached].name if attached in tables else attached.rpartition(".")[2]
    name = node.get("name") or id.split(".")[-1]
    return DataTest(id, name, table, claim_of(name, node))


def _digest(content: dict[str, Any], project: str | None) -> str:
    parts = [
        f"{id} {node['checksum']['checksum']}"
        for id, node in content.get("nodes", {}).items()
        if node["resource_type"] == "model" and "checksum" in node
    ]
    parts += [
        f"{id} {macro['macro_sql']}"
        for id, macro in content.get("macros", {}).items()
        if macro.get("package_name") == project and macro["name"] != DECLARED
    ]
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()
