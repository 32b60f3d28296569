"""The lineage graph as OpenLineage events, which a catalogue such as Marquez or DataHub can read.

One JSON event a line, as the client's own file transport writes them: a START and a COMPLETE (or
FAIL) for each run of the graph. Run ids are made from what the run was about (batch, dbt's
invocation, snapshot, model), so two exports of one state are equal.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import Job, RunEvent, RunState
from openlineage.client.event_v2 import Run as EventRun
from openlineage.client.serde import Serde

from quality.lineage.building import build_graph
from quality.lineage.datasets import PRODUCER, Datasets
from quality.lineage.graph import Graph, Run
from quality.lineage.records import read_records
from recomart.files import replace_text
from recomart.settings import Settings

FILE = "lineage.json"
_RUNS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:recomart:run")


def export_events(settings: Settings) -> Path:
    """Write `<lake>/lineage/lineage.json`, and return its path.

    Raises:
        NotReady: dbt has not built anything yet.
        WarehouseLocked: another process writes to the warehouse.
    """
    path = settings.lineage / FILE
    events = events_of(build_graph(read_records(settings)))
    replace_text(path, "".join(Serde.to_json(event) + "\n" for event in events))
    return path


def events_of(graph: Graph) -> Iterator[RunEvent]:
    """The two events of each run, in the order of the data's way."""
    datasets = Datasets(graph)
    for run in graph.runs:
        yield from _events(datasets, graph.records.settings.feast_project, run)


def _events(datasets: Datasets, namespace: str, run: Run) -> Iterator[RunEvent]:
    job, run_id = Job(namespace, run.job), str(uuid.uuid5(_RUNS, f"{namespace}/{run.id}"))
    yield RunEvent(
        eventType=RunState.START,
        eventTime=run.started_at.isoformat(),
        run=EventRun(run_id),
        job=job,
        producer=PRODUCER,
    )
    failed = run.error and facets.error_message_run.ErrorMessageRunFacet(
        run.error, "PYTHON", producer=PRODUCER
    )
    yield RunEvent(
        eventType=RunState.FAIL if run.error else RunState.COMPLETE,
        eventTime=run.ended_at.isoformat(),
        run=EventRun(run_id, facets={"errorMessage": failed} if failed else {}),
        job=job,
        inputs=[datasets.read(key, run) for key in run.inputs],
        outputs=[datasets.made(key, run) for key in run.outputs],
        producer=PRODUCER,
    )
