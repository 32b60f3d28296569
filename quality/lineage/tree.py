"""The result of a walk: trees of named nodes, ready to be printed."""

from __future__ import annotations

from dataclasses import dataclass, field

from feature_store.ledger import BatchRecord
from feature_store.registered_models import ModelVersion


@dataclass(frozen=True)
class Node:
    """One line of a tree.

    Args:
        kind: in words: "model version", "training set", "snapshot", "published file", "published
            model", "dbt model", "raw table", "column", "feature", "files", "landing file".
        name: unique within its kind.
        facts: (name, value), in the order in which they are printed.
    """

    kind: str
    name: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Branch:
    """A node of a tree with the branches below it.

    Args:
        why: how it relates to the node above, where that is not plain; else "".
        seen: the same tree has it with all its branches elsewhere, so it has none here.
        folded: it groups many files; print its facts, and its branches only on request.
    """

    node: Node
    branches: tuple[Branch, ...] = ()
    why: str = ""
    seen: bool = False
    folded: bool = False


@dataclass(frozen=True)
class FileGroup:
    """The files of one entity that the asset was made from.

    Args:
        role: "values" when the asset's values are computed from the files' values; "rows" when the
            files only decide which rows count (references, the clock); "all" when the lineage of
            columns is not known.
        columns: the columns of the raw table that the values come from.
    """

    entity: str
    role: str
    columns: tuple[str, ...]
    loads: tuple[BatchRecord, ...]

    @property
    def records(self) -> int:
        return sum(load.records or 0 for load in self.loads)


@dataclass(frozen=True)
class Walk:
    """The lineage of one asset in both directions.

    Args:
        up: what it was made from, back to landing files.
        down: what was made from it, on to model versions.
        files: the landing files at the ends of `up`, by entity.
        models: the model versions at the ends of `down`, oldest first.
        notes: sentences that the reader must know.
    """

    start: Node
    up: tuple[Branch, ...] = ()
    down: tuple[Branch, ...] = ()
    files: tuple[FileGroup, ...] = ()
    models: tuple[ModelVersion, ...] = ()
    notes: tuple[str, ...] = field(default=())
