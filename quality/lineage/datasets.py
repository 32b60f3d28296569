"""OpenLineage's names and facets for the nodes of the lineage graph.

Names follow OpenLineage's naming rules: a file by its path in the namespace `file`, a table as
database.schema.table of its warehouse, a feature view as Feast's own emitter calls it. A published
file has its snapshot's hash in its path, so each version is a data set of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, OutputDataset

from feature_store.ledger import BatchRecord
from feature_store.registered_models import (
    KIND,
    REGISTERED_MODEL,
    SHA256,
    TRAINING_HASH,
    ModelVersion,
)
from feature_store.snapshots import Snapshot
from quality.lineage.graph import (
    BATCH,
    PUBLISHED,
    RAW,
    TABLE,
    TRAINING_SET,
    VIEW,
    Graph,
    Key,
    Run,
)

PRODUCER = "urn:recomart:quality.lineage"

Facets = dict[str, Any]


class Datasets:
    """The nodes of a graph as data sets of OpenLineage."""

    def __init__(self, graph: Graph) -> None:
        settings = graph.records.settings
        self._graph = graph
        self._lake = settings.lake
        self._tables = f"duckdb://{settings.warehouse.as_posix()}"
        self._views = settings.feast_project
        self._models = settings.mlflow_uri
        self._snapshots = {snapshot.hash: snapshot for snapshot in graph.records.snapshots}
        self._by_version = {model.version: model for model in graph.records.models}

    def read(self, key: Key, run: Run) -> InputDataset:
        """A node as the input of a run."""
        namespace, name = self._name(key)
        known: Facets = {"version": version(self._version(key, run))}
        if key.kind == BATCH:
            known |= {"documentation": documented(_received(self._load(key))), **kind("FILE")}
        return InputDataset(namespace, name, facets=known)

    def made(self, key: Key, run: Run) -> OutputDataset:
        """A node as the output of a run, with its columns where they are known."""
        namespace, name = self._name(key)
        known: Facets = {"version": version(self._version(key, run))}
        rows = None
        if key.kind in (RAW, TABLE):
            known |= self._table_facets(key)
            rows = self._load(run.inputs[0]).records if key.kind == RAW and run.inputs else None
        elif key.kind == PUBLISHED:
            known |= kind("FILE") | self._published_facets(key)
            rows = self._snapshots[key.scope].rows.get(key.name)
        elif key.kind == VIEW:
            known |= kind("FEATURE_VIEW") | self._view_facets(key)
        elif key.kind != TRAINING_SET:
            known |= kind("MODEL")
        return OutputDataset(namespace, name, facets=known, outputFacets=statistics(rows))

    def _name(self, key: Key) -> tuple[str, str]:
        """The namespace and the name of a node's data set."""
        if key.kind == BATCH:
            landed = self._load(key).landed_file
            assert landed  # a run has no input where nothing landed
            return "file", (self._lake / landed).as_posix()
        if key.kind in (RAW, TABLE):
            return self._tables, self._graph.tables[key].relation
        if key.kind == PUBLISHED:
            return "file", self._snapshots[key.scope].file(key.name).as_posix()
        if key.kind == VIEW:
            return self._views, key.name
        if key.kind == TRAINING_SET:
            tags = self._by_version[key.name].tags
            hash, of_kind = tags.get(TRAINING_HASH, ""), tags.get(KIND, "unknown")
            return self._models, f"training_set/{hash[:16]}/{of_kind}"
        return self._models, f"{REGISTERED_MODEL}/{key.name}"

    def _version(self, key: Key, run: Run) -> str:
        """The version of a node that a run read or made.

        Of a landed file, a published file and a model it is a sha256; of a raw table, the newest
        batch in it; of a dbt table, dbt's invocation; of a feature view, the snapshot's hash.
        """
        if key.kind == BATCH:
            return self._load(key).sha256 or ""
        if key.kind == RAW:
            if run.build:
                return self._graph.builds[run.build].last_batch.get(key.name, run.build)
            return run.batch
        if key.kind == TABLE:
            return key.scope
        if key.kind == PUBLISHED:
            snapshot: Snapshot = self._snapshots[key.scope]
            return snapshot.files.get(key.name, snapshot.hash)
        if key.kind == VIEW:
            return key.scope
        model: ModelVersion = self._by_version[key.name]
        if key.kind == TRAINING_SET:
            return model.tags.get(TRAINING_HASH, "")
        return model.tags.get(SHA256, model.version)

    def _load(self, key: Key) -> BatchRecord:
        return self._graph.records.by_key[key.name, key.scope or None]

    def _table_facets(self, key: Key) -> Facets:
        table = self._graph.tables[key]
        schema = {name: column.data_type for name, column in table.columns.items()}
        words = {name: column.description for name, column in table.columns.items()}
        known: Facets = {**kind("TABLE"), **self._column_lineage(key)}
        if schema and not table.source:  # of raw tables the project declares few columns
            known["schema"] = schema_of(schema, words)
        if table.description:
            known["documentation"] = documented(" ".join(table.description.split()))
        return known

    def _column_lineage(self, key: Key) -> Facets:
        """The facet that says from which columns each column is computed, of the newest code."""
        columns, newest = self._graph.records.columns, self._graph.records.manifest
        if key.kind != TABLE or columns is None:
            return {}
        if self._graph.builds[key.scope].manifest.digest != newest.digest:
            return {}
        fields = {
            name: [
                (self._tables, newest.tables[s.table].relation, s.column, s.as_it_is)
                for s in sources
            ]
            for name, sources in columns.sources.get(key.name, {}).items()
            if sources
        }
        return {"columnLineage": column_lineage(fields)} if fields else {}

    def _published_facets(self, key: Key) -> Facets:
        schema = self._snapshots[key.scope].schema.get(key.name, {})
        relation = self._graph.tables[key].relation
        fields = {name: [(self._tables, relation, name, True)] for name in schema}
        if not schema:
            return {}
        return {"schema": schema_of(schema), "columnLineage": column_lineage(fields)}

    def _view_facets(self, key: Key) -> Facets:
        snapshot, columns = self._snapshots[key.scope], self._graph.tables[key].columns
        schema, file = snapshot.schema.get(key.name, {}), snapshot.file(key.name).as_posix()
        words = {name: column.description for name, column in columns.items()}
        fields = {name: [("file", file, name, True)] for name in schema}
        if not schema:
            return {}
        return {"schema": schema_of(schema, words), "columnLineage": column_lineage(fields)}


def _received(load: BatchRecord) -> str:
    return f"{load.entity} received as {load.source_file}, batch {load.batch_id}"


def version(of: str) -> facets.dataset_version_dataset.DatasetVersionDatasetFacet:
    """The facet of a data set's version."""
    return facets.dataset_version_dataset.DatasetVersionDatasetFacet(of, producer=PRODUCER)


def documented(text: str) -> facets.documentation_dataset.DocumentationDatasetFacet:
    """The facet of a description."""
    return facets.documentation_dataset.DocumentationDatasetFacet(text, producer=PRODUCER)


def kind(name: str) -> Facets:
    """The facet of a data set's type: FILE, TABLE, FEATURE_VIEW, MODEL."""
    facet = facets.dataset_type_dataset.DatasetTypeDatasetFacet(name, producer=PRODUCER)
    return {"datasetType": facet}


def statistics(rows: int | None) -> Facets:
    """The facet of how many rows were written, when that is known."""
    if rows is None:
        return {}
    facet = facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=rows, producer=PRODUCER
    )
    return {"outputStatistics": facet}


def schema_of(
    types: Mapping[str, str | None], words: Mapping[str, str] | None = None
) -> facets.schema_dataset.SchemaDatasetFacet:
    """The facet of the columns: types and descriptions by name."""
    fields = [
        facets.schema_dataset.SchemaDatasetFacetFields(
            name=name, type=type, description=(words or {}).get(name) or None
        )
        for name, type in types.items()
    ]
    return facets.schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)


def column_lineage(
    fields: Mapping[str, list[tuple[str, str, str, bool]]],
) -> facets.column_lineage_dataset.ColumnLineageDatasetFacet:
    """The facet of where each column comes from.

    Args:
        fields: by column, (namespace, data set, column, whether the value is passed on as it is).
    """
    module = facets.column_lineage_dataset
    return module.ColumnLineageDatasetFacet(
        fields={
            name: module.Fields(
                inputFields=[
                    module.InputField(
                        namespace=namespace,
                        name=dataset,
                        field=column,
                        transformations=[
                            module.Transformation(
                                type="DIRECT", subtype="IDENTITY" if same else "TRANSFORMATION"
                            )
                        ],
                    )
                    for namespace, dataset, column, same in inputs
                ]
            )
            for name, inputs in fields.items()
        },
        producer=PRODUCER,
    )
