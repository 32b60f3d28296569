"""OpenLineage's names and facets for the things of a lake.

Names follow its naming rules: a file by its path in the namespace `file`, a table as
database.schema.table of its warehouse, a feature view as Feast's own emitter calls it. A published
file has its snapshot's hash in its path, so each version is a data set of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, OutputDataset

from feature_store.registered_models import (
    KIND,
    REGISTERED_MODEL,
    SHA256,
    TRAINING_HASH,
    ModelVersion,
)
from feature_store.snapshots import Snapshot
from quality.lineage.columns import ColumnLineage
from quality.lineage.ledger import Load
from quality.lineage.project import Project, Table
from recomart.settings import Settings

PRODUCER = "urn:recomart:quality.lineage"

Facets = dict[str, Any]


class Datasets:
    """Data sets of one lake, each as an input and as an output of a run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tables = f"duckdb://{settings.warehouse.as_posix()}"
        self._views = settings.feast_project
        self._models = settings.mlflow_uri

    def landed(self, load: Load) -> InputDataset:
        """A landing file: its version is the sha256 of its bytes."""
        assert load.landed_file
        described = f"{load.entity} received as {load.source_file}, batch {load.batch_id}"
        known = {"version": version(load.sha256 or ""), "documentation": documented(described)}
        name = (self._settings.lake / load.landed_file).as_posix()
        return InputDataset("file", name, facets={**known, **kind("FILE")})

    def table_input(self, table: Table, of: str) -> InputDataset:
        """A table of the warehouse: of a batch (raw ones) or of an invocation of dbt."""
        return InputDataset(self._tables, table.relation, facets={"version": version(of)})

    def table_output(
        self,
        table: Table,
        of: str,
        rows: int | None = None,
        lineage: Facets | None = None,
    ) -> OutputDataset:
        """A table, with its columns as the project describes them."""
        schema = {name: column.data_type for name, column in table.columns.items()}
        words = {name: column.description for name, column in table.columns.items()}
        known: Facets = {"version": version(of), **kind("TABLE"), **(lineage or {})}
        if schema and not table.raw:  # of raw tables the project names the bookkeeping alone
            known["schema"] = schema_of(schema, words)
        if table.description:
            known["documentation"] = documented(table.description)
        return OutputDataset(
            self._tables, table.relation, facets=known, outputFacets=statistics(rows)
        )

    def columns_of(self, project: Project, columns: ColumnLineage, table: Table) -> Facets:
        """The facet that says from which columns each column is computed."""
        fields = {
            name: [
                (self._tables, project.tables[s.table].relation, s.column, s.as_it_is)
                for s in sources
            ]
            for name, sources in columns.sources.get(table.id, {}).items()
            if sources
        }
        return {"columnLineage": column_lineage(fields)} if fields else {}

    def published(self, snapshot: Snapshot, table: Table) -> InputDataset:
        """The published file of a model: its version is its sha256."""
        name = snapshot.file(table.name).as_posix()
        sha256 = snapshot.files.get(table.name, snapshot.hash)
        return InputDataset("file", name, facets={"version": version(sha256)})

    def published_output(self, snapshot: Snapshot, table: Table) -> OutputDataset:
        given = self.published(snapshot, table)
        schema = snapshot.schema.get(table.name, {})
        fields = {name: [(self._tables, table.relation, name, True)] for name in schema}
        known: Facets = {**(given.facets or {}), **kind("FILE")}
        if schema:
            known["schema"] = schema_of(schema)
            known["columnLineage"] = column_lineage(fields)
        rows = snapshot.rows.get(table.name)
        return OutputDataset("file", given.name, facets=known, outputFacets=statistics(rows))

    def view(self, snapshot: Snapshot, table: Table) -> InputDataset:
        """A feature view over the published file: its version is the snapshot's hash."""
        return InputDataset(self._views, table.name, facets={"version": version(snapshot.hash)})

    def view_output(self, snapshot: Snapshot, table: Table) -> OutputDataset:
        given = self.view(snapshot, table)
        file = snapshot.file(table.name).as_posix()
        schema = snapshot.schema.get(table.name, {})
        words = {name: column.description for name, column in table.columns.items()}
        fields = {name: [("file", file, name, True)] for name in schema}
        known: Facets = {**(given.facets or {}), **kind("FEATURE_VIEW")}
        if schema:
            known["schema"] = schema_of(schema, words)
            known["columnLineage"] = column_lineage(fields)
        return OutputDataset(self._views, table.name, facets=known)

    def training_set(self, model: ModelVersion) -> InputDataset:
        """What a kind learned from, in the run that made the version."""
        hash = model.tags.get(TRAINING_HASH, "")
        name = f"training_set/{hash[:16]}/{model.tags.get(KIND, 'unknown')}"
        return InputDataset(self._models, name, facets={"version": version(hash)})

    def training_set_output(self, model: ModelVersion) -> OutputDataset:
        given = self.training_set(model)
        return OutputDataset(given.namespace, given.name, facets=given.facets)

    def model(self, model: ModelVersion) -> OutputDataset:
        """A registered version: the dataset's version is the sha256 of its record."""
        known = {"version": version(model.tags.get(SHA256, model.version)), **kind("MODEL")}
        return OutputDataset(self._models, f"{REGISTERED_MODEL}/{model.version}", facets=known)


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
        fields: by column, (namespace, data set, column, whether handed on as it is) of each source.
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
