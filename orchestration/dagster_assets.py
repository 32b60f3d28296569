"""The same graph as Dagster assets: source files, raw tables, dbt models, feature views, model.

Every step of `orchestration.steps` is one multi-asset: its specs say what it makes (a node per
dbt model and per feature view, read from dbt's manifest), and its body runs the step's own
function. Load it with `dagster dev -m orchestration.dagster_assets`, or `make ui`.
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` itself.
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration.steps import STEPS, Step, reads_source_data
from orchestration.transform import parse, target_path
from recomart.errors import RecoMartError
from recomart.log import start_run
from recomart.settings import Settings, load_settings
from recomart.shop.file import load_shop
from recomart.step import no_progress
from recomart.streams import EVENTS, SEALED

RAW_LEDGER = ("_shop", "_loads", "rejects")
Node = dict[str, Any]
STREAM = dg.AssetKey(["stream", "events"])
MODEL = dg.AssetKey(["models", "recomart-recommender"])


def source_key(entity: str) -> dg.AssetKey:
    """The asset of a shop's source as the shop keeps it: its files, or its HTTP catalogue."""
    return dg.AssetKey(["source", entity])


def specs_of(settings: Settings) -> dict[str, list[dg.AssetSpec]]:
    """What each step makes, by step name. The dbt part follows the manifest."""
    entities = list(load_shop(settings).shop.sources())
    nodes = manifest(settings)["nodes"]
    models = _models_in_order(nodes)
    published = [m for m in models if (m["config"].get("meta") or {}).get("publish")]
    sources = [source_key(entity) for entity in entities]
    raw = [*entities, *RAW_LEDGER]
    return {
        "generate": [dg.AssetSpec(key, group_name="sources") for key in sources],
        "ingest": [
            dg.AssetSpec(
                ["raw", name],
                deps=[source_key(name)] if name in entities else sources,
                group_name="raw",
            )
            for name in raw
        ],
        "stream": [dg.AssetSpec(STREAM, deps=[dg.AssetKey(["raw", "_loads"])], group_name="raw")],
        "transform": [_model_spec(node, nodes, set(raw)) for node in models],
        "publish": [
            dg.AssetSpec(
                _published_key(node),
                deps=[_model_key(node)],
                group_name="published",
                kinds={"feast", "redis"} if node["config"]["meta"].get("feast") else {"parquet"},
            )
            for node in published
        ],
        "report": [
            dg.AssetSpec(
                ["reports", "data_quality"],
                deps=[_model_key(node) for node in models if node["schema"] == "quality"],
                group_name="reports",
            )
        ],
        "train": [
            dg.AssetSpec(
                MODEL,
                deps=[_published_key(node) for node in published],
                group_name="models",
                kinds={"mlflow"},
            )
        ],
    }


def _models_in_order(nodes: dict[str, Node]) -> list[Node]:
    """The manifest's models, each after those it reads: Dagster wants them reported so."""
    graph = {
        name: [parent for parent in node["depends_on"]["nodes"] if parent in nodes]
        for name, node in nodes.items()
        if node["resource_type"] == "model"
    }
    return [nodes[name] for name in TopologicalSorter(graph).static_order() if name in graph]


def _model_spec(node: Node, nodes: dict[str, Node], raw: set[str]) -> dg.AssetSpec:
    deps = []
    for parent in node["depends_on"]["nodes"]:
        if parent in nodes:
            deps.append(_model_key(nodes[parent]))
        elif (name := parent.split(".")[-1]) in raw:
            deps.append(dg.AssetKey(["raw", name]))
            if name == "events":
                deps.append(STREAM)  # what was streamed is loaded into the same table
    return dg.AssetSpec(
        _model_key(node),
        deps=list(dict.fromkeys(deps)),
        description=node["description"],
        group_name=node["schema"],
        kinds={"dbt", "duckdb"},
    )


def _model_key(node: Node) -> dg.AssetKey:
    return dg.AssetKey([node["schema"], node["name"]])


def _published_key(node: Node) -> dg.AssetKey:
    return dg.AssetKey(["published", node["name"]])


def manifest(settings: Settings) -> dict[str, Any]:
    """dbt's manifest of this lake, parsed now if no `dbt build` has left one."""
    path = target_path(settings) / "manifest.json"
    if not path.exists():
        parse(settings)
    return json.loads(path.read_text())


def asset_of(settings: Settings, step: Step, specs: Sequence[dg.AssetSpec]) -> dg.AssetsDefinition:
    """One step as a multi-asset whose body is the step's own function."""

    @dg.multi_asset(name=step.name, specs=specs, description=step.does)
    def run(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        log = start_run(settings)
        context.log.info("log: %s", log.log)
        beside = step.background.run(settings) if step.background else nullcontext()
        try:
            with beside:
                result = step.run(settings, no_progress)
        except RecoMartError as exc:
            raise dg.Failure(exc.render(), allow_retries=False) from exc
        for spec in specs:
            yield dg.MaterializeResult(
                asset_key=spec.key,
                metadata={"step": f"{result.count:,} {result.unit}", "detail": result.detail},
            )

    return run


def files_seen(settings: Settings) -> str:
    """A fingerprint of the shop's source files (path, size, time), for the sensor's cursor."""
    from ingestion.declaration import declarations
    from ingestion.sources import local_files

    digest = hashlib.sha256()
    for declared in declarations(settings, load_shop(settings)).values():
        for path in local_files(declared):
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def sensor_on_new_files(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Asks for a run when the shop's source files are others than at the last tick."""

    @dg.sensor(job=job, minimum_interval_seconds=60)
    def new_source_files(context: dg.SensorEvaluationContext) -> Any:
        seen = files_seen(settings)
        if seen == context.cursor:
            return dg.SkipReason("no new or changed source file")
        context.update_cursor(seen)
        return dg.RunRequest(run_key=seen)

    return new_source_files


def segments_seen(settings: Settings) -> str:
    """The newest sealed segment of the stream, for the sensor's cursor; empty when there is none."""
    found = (settings.raw / EVENTS).glob(f"ingest_date=*/*{SEALED}")
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
    return newest.name if newest else ""


def sensor_on_segments(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Asks for a run when the speed layer has sealed a segment since the last tick.

    Its job streams nothing of its own, or each run would be the reason for the next.
    """

    @dg.sensor(job=job, minimum_interval_seconds=60)
    def sealed_segments(context: dg.SensorEvaluationContext) -> Any:
        seen = segments_seen(settings)
        if seen == (context.cursor or ""):
            return dg.SkipReason("no new segment of the stream")
        context.update_cursor(seen)
        return dg.RunRequest(run_key=seen)

    return sealed_segments


def definitions(settings: Settings) -> dg.Definitions:
    """All assets, the job that makes them, a daily schedule, sensors on files and segments."""
    specs = specs_of(settings)
    makes_sources = reads_source_data(settings)
    assets: list[Any] = [
        asset_of(settings, step, specs[step.name])
        for step in STEPS
        if step.name != "generate" or makes_sources
    ]
    if not makes_sources:
        assets += specs["generate"]  # the shop's own files: seen, not made
    # One process: DuckDB's file has one writer.
    job = dg.define_asset_job("pipeline", executor_def=dg.in_process_executor)
    batch = dg.define_asset_job(
        "batch",
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(STREAM),
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=assets,
        jobs=[job, batch],
        schedules=[dg.ScheduleDefinition(job=job, cron_schedule="0 3 * * *", name="nightly")],
        sensors=[sensor_on_new_files(settings, job), sensor_on_segments(settings, batch)],
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return definitions(load_settings())
