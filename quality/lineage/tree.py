"""What a walk gives: trees of named things, ready to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from feature_store.registered_models import ModelVersion
from quality.lineage.ledger import Load

UNFOLDED = 3
"""Groups of more files than that are shown as their count, unless all are asked for."""


@dataclass(frozen=True)
class Node:
    """One thing.

    Args:
        kind: model version, training set, snapshot, published table, feature, column, dbt model,
            raw table, files, landing file, source.
        name: unique within its kind.
        facts: what is worth knowing of it, in order: (name, value).
    """

    kind: str
    name: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Branch:
    """A thing in a tree, with what comes next.

    Args:
        why: how it is tied to the thing above, where that is not plain; else "".
        seen: it stands in the same tree with all its branches elsewhere, and so has none here.
        folded: it stands for many files; show its facts, and its branches only on request.
    """

    node: Node
    branches: tuple[Branch, ...] = ()
    why: str = ""
    seen: bool = False
    folded: bool = False


@dataclass(frozen=True)
class FileGroup:
    """The files of one entity that a thing was made from.

    Args:
        role: "values" when the thing's values are computed from theirs; "rows" when they decide
            only which rows count (references, the clock); "all" where columns are not told apart.
        columns: of the raw table, those that the values come from.
    """

    entity: str
    role: str
    columns: tuple[str, ...]
    loads: tuple[Load, ...]

    @property
    def records(self) -> int:
        return sum(load.records or 0 for load in self.loads)


@dataclass(frozen=True)
class Walk:
    """Both ways from one thing.

    Args:
        up: what it was made from, down to landing files.
        down: what was made from it, up to model versions.
        files: the ends of `up`, by entity.
        models: the ends of `down`, oldest first.
        notes: what the reader must know, as sentences.
    """

    thing: Node
    up: tuple[Branch, ...] = ()
    down: tuple[Branch, ...] = ()
    files: tuple[FileGroup, ...] = ()
    models: tuple[ModelVersion, ...] = ()
    notes: tuple[str, ...] = field(default=())


def file_node(load: Load) -> Node:
    """A landing file, or the batch that could not land."""
    facts = [("batch", load.batch_id), ("received as", load.source_file)]
    if load.sha256:
        facts.append(("sha256", load.sha256))
    if load.records is not None:
        facts.append(("records", f"{load.records:,}"))
    if load.error:
        facts.append(("failed", load.error))
    return Node("landing file", load.landed_file or f"batch {load.batch_id}", tuple(facts))


def files_branch(entity: str, loads: Iterable[Load], why: str = "") -> Branch:
    """The files of an entity: one by one when they are few, else as a group."""
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
        folded=len(listed) > UNFOLDED,
    )


def model_node(model: ModelVersion) -> Node:
    """A registered version."""
    facts = [("kind", model.tags.get("kind", "unknown"))]
    if model.aliases:
        facts.append(("aliases", ", ".join(model.aliases)))
    facts.append(("registered", f"{model.registered_at:%Y-%m-%d %H:%M:%S} UTC"))
    if sha256 := model.tags.get("sha256"):
        facts.append(("sha256", sha256))
    return Node("model version", model.version, tuple(facts))


def _span(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{min(ids)} to {max(ids)}"
