"""The lineage of a lake as one graph: its nodes, its edges and the runs that made them.

Nodes are batches, tables, published files, feature views, training sets, models and columns.
`quality/lineage/building.py` builds the graph. The walk (`quality/lineage/walk.py`) and the
OpenLineage events (`quality/lineage/events.py`) are two renderings of it: the walk follows its
edges, the events list its runs.

    batch -> raw table -> dbt tables -> published file (-> feature view) -> training set -> model

A dbt table is a node for each build of it, because each snapshot was published from a build with
its own manifest. A raw table is one node, because it only grows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from feature_store.dbt_manifest import Manifest, Table, reach
from feature_store.ledger import BatchRecord
from feature_store.registered_models import ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.records import Records

BATCH, RAW, TABLE, COLUMN, DERIVED = "batch", "raw", "table", "column", "derived"
PUBLISHED, VIEW, TRAINING_SET, MODEL = "published", "view", "training_set", "model"


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
    """The graph of one lake; `building.build_graph` makes it.

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


def build_of(manifest: Manifest) -> str:
    """What names a build: dbt's invocation, or the digest of its code where there is none."""
    return manifest.invocation or manifest.digest


def _reach(start: Iterable[Key], edges: dict[Key, dict[Key, str]]) -> set[Key]:
    return reach(start, lambda key: edges.get(key, {}))
