"""How each asset reads as a line of a tree: its kind, its name and a few facts."""

from __future__ import annotations

from collections.abc import Iterable

from feature_store.dbt_manifest import Table
from feature_store.ledger import BatchRecord
from feature_store.registered_models import TRAINING_HASH, ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.tree import Branch, Node

SHOWN_FILES = 3
"""A group of more files than this is folded to its count, unless all are asked for."""


def file_node(load: BatchRecord) -> Node:
    """A landing file, or a batch that could not land."""
    facts = [("batch", load.batch_id), ("received as", load.source_file)]
    if load.sha256:
        facts.append(("sha256", load.sha256))
    if load.records is not None:
        facts.append(("records", f"{load.records:,}"))
    if load.error:
        facts.append(("failed", load.error))
    return Node("landing file", load.landed_file or f"batch {load.batch_id}", tuple(facts))


def files_branch(entity: str, loads: Iterable[BatchRecord], why: str = "") -> Branch:
    """The files of an entity: one by one when there are few, else as a group."""
    listed = tuple(loads)
    if not listed:
        return Branch(Node("files", entity, (("files", "0"),)), why=why)
    facts = (
        ("files", f"{len(listed):,}"),
        ("records", f"{sum(load.records or 0 for load in listed):,}"),
        ("batches", _span([load.batch_id for load in listed])),
    )
    return Branch(
        Node("files", entity, facts),
        tuple(Branch(file_node(load)) for load in listed),
        why=why,
        folded=len(listed) > SHOWN_FILES,
    )


def table_node(table: Table) -> Node:
    """A raw table or a dbt model."""
    if table.source:
        return Node("raw table", table.name)
    kind = "published model" if table.is_published else "dbt model"
    return Node(kind, table.name, (("schema", table.schema),))


def column_node(table: Table, name: str) -> Node:
    """A column, with its table's name."""
    column = table.columns.get(name)
    facts = [("type", column.data_type)] if column and column.data_type else []
    if column and column.description:
        facts.append(("means", " ".join(column.description.split())))
    return Node("column", f"{table.name}.{name}", tuple(facts))


def derived_node(name: str) -> Node:
    """A feature that is computed at the lookup."""
    return Node("feature", name, (("computed", "at the lookup, from stored features"),))


def published_node(snapshot: Snapshot, table: Table) -> Node:
    """The Parquet file of a model in a snapshot, which is also the source of its feature view."""
    facts = [("rows", f"{snapshot.rows.get(table.name, 0):,}")]
    if sha256 := snapshot.files.get(table.name):
        facts.append(("sha256", sha256))
    if table.services is not None:
        facts.append(("feature view", table.name))
    if table.services:
        facts.append(("served by", ", ".join(table.services)))
    return Node("published file", f"{snapshot.hash}/{table.name}.parquet", tuple(facts))


def snapshot_node(snapshot: Snapshot, current: str | None) -> Node:
    """A published snapshot.

    Args:
        current: hash of the snapshot that is served.
    """
    facts = [
        ("as of", f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC"),
        ("published", f"{snapshot.published_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("rows", f"{sum(snapshot.rows.values()):,}"),
    ]
    if snapshot.hash == current:
        facts.append(("current", "yes"))
    return Node("snapshot", snapshot.hash, tuple(facts))


def training_set_node(model: ModelVersion, tables: Iterable[str]) -> Node:
    """What a model learned from, by the hash of its rows."""
    facts = (("read", ", ".join(tables)),)
    return Node("training set", model.tags.get(TRAINING_HASH, "unknown"), facts)


def model_node(model: ModelVersion) -> Node:
    """A registered model version."""
    facts = [("kind", model.tags.get("kind", "unknown"))]
    if model.aliases:
        facts.append(("aliases", ", ".join(model.aliases)))
    facts.append(("registered", f"{model.registered_at:%Y-%m-%d %H:%M:%S} UTC"))
    if sha256 := model.tags.get("sha256"):
        facts.append(("sha256", sha256))
    return Node("model version", model.version, tuple(facts))


def _span(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{min(ids)} to {max(ids)}"
