"""The dbt project of a build as a graph, from its manifest."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column as its YAML describes it."""

    name: str
    data_type: str | None
    description: str


@dataclass(frozen=True)
class Table:
    """A raw table or a dbt model.

    Args:
        id: dbt's.
        name: of a model; of a raw table with its schema, `raw.events`.
        relation: `database.schema.table`.
        raw: the table's own name when it is a raw one.
        parents: ids of what it reads, tables only.
        published: whether publish copies it.
        services: Feast's services that its feature view belongs to; None when it is no view.
    """

    id: str
    name: str
    relation: str
    schema: str
    description: str
    columns: dict[str, Column]
    parents: tuple[str, ...]
    raw: str | None = None
    published: bool = False
    services: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Project:
    """All tables by id, with dbt's invocation and a digest of the project's code."""

    tables: dict[str, Table]
    invocation: str
    generated_at: str
    digest: str
    children: dict[str, tuple[str, ...]] = field(repr=False)

    def named(self, name: str) -> Table | None:
        """The table of this name; a raw one also by its entity."""
        found = [t for t in self.tables.values() if name in (t.name, t.raw)]
        return min(found, key=lambda table: table.name != name, default=None)

    def published(self) -> tuple[Table, ...]:
        """What publish copies, by name."""
        return tuple(sorted((t for t in self.tables.values() if t.published), key=lambda t: t.name))

    def upstream(self, ids: Iterable[str]) -> set[str]:
        """These tables and all that they read, directly or not."""
        return _reach(ids, lambda id: self.tables[id].parents)

    def downstream(self, ids: Iterable[str]) -> set[str]:
        """These tables and all that read them, directly or not."""
        return _reach(ids, lambda id: self.children.get(id, ()))


def read_project(manifest: Path) -> Project:
    """The graph of a manifest.json of dbt's."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    nodes = {
        id: node
        for id, node in {**content["nodes"], **content.get("sources", {})}.items()
        if node["resource_type"] in ("model", "source", "seed", "snapshot")
    }
    tables = {id: _table(id, node, nodes) for id, node in nodes.items()}
    children: dict[str, list[str]] = defaultdict(list)
    for id, table in tables.items():
        for parent in table.parents:
            children[parent].append(id)
    metadata = content["metadata"]
    return Project(
        tables=tables,
        invocation=metadata.get("invocation_id") or "",
        generated_at=metadata.get("generated_at") or "",
        digest=_digest(content, metadata.get("project_name")),
        children={id: tuple(sorted(found)) for id, found in children.items()},
    )


def _table(id: str, node: dict[str, Any], nodes: dict[str, Any]) -> Table:
    raw = node["name"] if node["resource_type"] == "source" else None
    meta = (node.get("config") or {}).get("meta") or {}
    feast = meta.get("feast")
    alias = node.get("alias") or node.get("identifier") or node["name"]
    database = node.get("database") or "warehouse"
    return Table(
        id=id,
        name=f"{node['schema']}.{raw}" if raw else node["name"],
        relation=f"{database}.{node['schema']}.{alias}",
        schema=node["schema"],
        description=" ".join((node.get("description") or "").split()),
        columns={
            name: Column(name, column.get("data_type"), column.get("description") or "")
            for name, column in (node.get("columns") or {}).items()
        },
        parents=tuple(
            sorted({p for p in (node.get("depends_on") or {}).get("nodes", ()) if p in nodes})
        ),
        raw=raw,
        published="publish" in meta,
        services=tuple(feast.get("services", ())) if feast else None,
    )


def _digest(content: dict[str, Any], project: str | None) -> str:
    """A hash of the SQL and macros as written: equal for two parses of one state of the code."""
    parts = [
        f"{id} {node['checksum']['checksum']}"
        for id, node in content["nodes"].items()
        if node["resource_type"] == "model" and "checksum" in node
    ]
    parts += [
        f"{id} {macro['macro_sql']}"
        for id, macro in content.get("macros", {}).items()
        if macro.get("package_name") == project
    ]
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def _reach(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting.extend(following(id))
    return found
