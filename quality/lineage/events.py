"""Lineage as OpenLineage events: what a catalogue such as Marquez or DataHub can read.

One JSON event a line, as the client's own file transport writes them: a START and a COMPLETE (or
FAIL) for each run that made something that is still there. Run ids are made from what the run was
about (batch, dbt's invocation, snapshot, model), so two exports of one state are equal.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from feature_store.registered_models import KIND, ModelVersion
from feature_store.snapshots import Snapshot
from quality.lineage.datasets import PRODUCER, Datasets
from quality.lineage.ledger import LOADED, Load
from quality.lineage.project import Project, Table
from quality.lineage.state import State, read_state
from recomart.files import replace_text
from recomart.settings import Settings

FILE = "lineage.json"
_RUNS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:recomart:run")
_BEGINNING = datetime.fromtimestamp(0, UTC)


def export_events(settings: Settings) -> Path:
    """Write `<lake>/lineage/lineage.json`, and return its path.

    Raises:
        NotReady: dbt has not built anything yet.
        WarehouseLocked: another process writes to the warehouse.
    """
    events = Events(read_state(settings)).all()
    path = settings.lineage / FILE
    replace_text(path, "".join(Serde.to_json(event) + "\n" for event in events))
    return path


class Events:
    """The runs of a lake, in the order of the way of the data."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._named = Datasets(state.settings)
        self._project = state.settings.feast_project

    def all(self) -> Iterator[RunEvent]:
        """Every event."""
        raw = {table.raw: table for table in self._state.project.tables.values() if table.raw}
        for load in self._state.loads:
            if load.entity in raw:
                yield from self._load(load, raw[load.entity])
        built: set[str] = set()
        for snapshot in reversed(self._state.snapshots):
            project = self._state.project_of(snapshot)
            if project.invocation not in built:
                built.add(project.invocation)
                yield from self._build(project, snapshot)
            yield from self._publish(project, snapshot)
        for model in self._state.models:
            if (learned_from := self._state.snapshot_of(model)) is not None:
                yield from self._train(model, learned_from)

    def _load(self, load: Load, table: Table) -> Iterator[RunEvent]:
        start = load.started_at or _BEGINNING
        inputs = [self._named.landed(load)] if load.landed_file else []
        loaded = load.status == LOADED
        yield from self._run(
            f"ingest.{load.entity}",
            f"{load.batch_id}/{load.sha256}",
            (start, load.finished_at or start),
            inputs,
            [self._named.table_output(table, load.batch_id, load.records)] if loaded else [],
            None if loaded else load.error or "the file could not be taken",
        )

    def _build(self, project: Project, snapshot: Snapshot) -> Iterator[RunEvent]:
        """Each model that leads to something published."""
        last: dict[str, str] = {}
        for batch in snapshot.batches_behind():
            last[batch.entity] = max(batch.batch_id, last.get(batch.entity, ""))
        generated = snapshot.published_at
        if project.generated_at:
            generated = datetime.fromisoformat(project.generated_at)
        times = self._state.ledger.runs.get(project.invocation, (generated, generated))
        columns = self._state.columns
        if columns is not None and project.digest != self._state.project.digest:
            columns = None  # they are of another state of the code
        for id in sorted(project.upstream(table.id for table in project.published())):
            table = project.tables[id]
            if table.raw:
                continue
            parents = [project.tables[parent] for parent in table.parents]
            known = self._named.columns_of(project, columns, table) if columns else {}
            yield from self._run(
                f"dbt.{id}",
                f"{project.invocation}/{id}",
                times,
                [
                    self._named.table_input(
                        parent,
                        last.get(parent.raw, project.invocation)
                        if parent.raw
                        else project.invocation,
                    )
                    for parent in parents
                ],
                [self._named.table_output(table, project.invocation, None, known)],
            )

    def _publish(self, project: Project, snapshot: Snapshot) -> Iterator[RunEvent]:
        times = snapshot.published_at, snapshot.published_at
        for table in project.published():
            yield from self._run(
                f"publish.{table.name}",
                f"{snapshot.hash}/{table.name}",
                times,
                [self._named.table_input(table, project.invocation)],
                [self._named.published_output(snapshot, table)],
            )
            if table.services is not None:
                yield from self._run(
                    f"feature_view.{table.name}",
                    f"{snapshot.hash}/view/{table.name}",
                    times,
                    [self._named.published(snapshot, table)],
                    [self._named.view_output(snapshot, table)],
                )

    def _train(self, model: ModelVersion, snapshot: Snapshot) -> Iterator[RunEvent]:
        read = self._state.reads(model, self._state.project_of(snapshot))
        kind = model.tags.get(KIND, "unknown")
        times = model.registered_at, model.registered_at
        # features reach training through Feast, everything else is read from the files
        inputs = [
            self._named.published(snapshot, table)
            if table.services is None
            else self._named.view(snapshot, table)
            for table in read
        ]
        yield from self._run(
            f"training_set.{kind}",
            f"{model.version}/{model.run_id}/training_set",
            times,
            inputs,
            [self._named.training_set_output(model)],
        )
        yield from self._run(
            f"train.{kind}",
            f"{model.version}/{model.run_id}",
            times,
            [self._named.training_set(model)],
            [self._named.model(model)],
        )

    def _run(
        self,
        job: str,
        about: str,
        times: tuple[datetime, datetime],
        inputs: Sequence[InputDataset],
        outputs: Sequence[OutputDataset],
        error: str | None = None,
    ) -> Iterator[RunEvent]:
        """START and COMPLETE, or FAIL, of the run of a job that was about something."""
        name, run_id = Job(self._project, job), str(uuid.uuid5(_RUNS, f"{self._project}/{about}"))
        start, end = times
        yield RunEvent(
            eventType=RunState.START,
            eventTime=start.isoformat(),
            run=Run(run_id),
            job=name,
            producer=PRODUCER,
        )
        failed = error and facets.error_message_run.ErrorMessageRunFacet(
            error, "PYTHON", producer=PRODUCER
        )
        yield RunEvent(
            eventType=RunState.FAIL if error else RunState.COMPLETE,
            eventTime=end.isoformat(),
            run=Run(run_id, facets={"errorMessage": failed} if failed else {}),
            job=name,
            inputs=list(inputs),
            outputs=list(outputs),
            producer=PRODUCER,
        )
