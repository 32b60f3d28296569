"""The same graph as Dagster assets: source files, raw tables, dbt models, feature views, model.

Every step of `orchestration.steps` is one multi-asset. Its specs list what the step produces: one
node per dbt model and per feature view, read from dbt's manifest, and one node for a step that has
no specs in `specs_of`. Its body runs the step's own function. Load the graph with `make ui`, or
with `dagster dev -m orchestration.dagster_assets`.
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` itself.
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import dagster as dg

from demo_shop.source_data import is_demo_shop
from feature_store.dbt_manifest import MANIFEST, Manifest, Table, read_manifest
from feature_store.realtime.streams import EVENTS, SEALED
from ingestion.shop_file import load_shop
from orchestration.log import start_run
from orchestration.steps import STEPS, Step, in_order
from orchestration.transform import parse, target_path
from recomart.errors import RecoMartError
from recomart.settings import Settings, load_settings
from recomart.step import no_progress

RAW_LEDGER = ("_shop", "_loads", "rejects")
STREAM = dg.AssetKey(["stream", "events"])
MODEL = dg.AssetKey(["models", "recomart-recommender"])


def source_key(entity: str) -> dg.AssetKey:
    """The asset of a shop's source as the shop keeps it: its files, or its HTTP catalogue."""
    return dg.AssetKey(["source", entity])


def specs_of(settings: Settings) -> dict[str, list[dg.AssetSpec]]:
    """The assets that each step produces, by step name. The dbt part follows the manifest."""
    entities = list(load_shop(settings).shop.sources())
    project = manifest(settings)
    models = project.models
    published = [model for model in models if model.is_published]
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
        "transform": [_model_spec(model, project, set(raw)) for model in models],
        "publish": [
            dg.AssetSpec(
                _published_key(model),
                deps=[_model_key(model)],
                group_name="published",
                kinds={"parquet"} if model.services is None else {"feast", "redis"},
            )
            for model in published
        ],
        "report": [
            dg.AssetSpec(
                ["reports", "data_quality"],
                deps=[_model_key(model) for model in models if model.schema == "quality"],
                group_name="reports",
            )
        ],
        "train": [
            dg.AssetSpec(
                MODEL,
                deps=[_published_key(model) for model in published],
                group_name="models",
                kinds={"mlflow"},
            )
        ],
    }


def _model_spec(model: Table, project: Manifest, raw: set[str]) -> dg.AssetSpec:
    deps = []
    for parent in (project.tables[id] for id in model.parents):
        if parent.source is None:
            deps.append(_model_key(parent))
        elif parent.source in raw:
            deps.append(dg.AssetKey(["raw", parent.source]))
            if parent.source == "events":
                deps.append(STREAM)  # what was streamed is loaded into the same table
    return dg.AssetSpec(
        _model_key(model),
        deps=list(dict.fromkeys(deps)),
        description=model.description,
        group_name=model.schema,
        kinds={"dbt", "duckdb"},
    )


def _model_key(model: Table) -> dg.AssetKey:
    return dg.AssetKey([model.schema, model.name])


def _published_key(model: Table) -> dg.AssetKey:
    return dg.AssetKey(["published", model.name])


def manifest(settings: Settings) -> Manifest:
    """dbt's manifest of this lake, parsed now if no `dbt build` has left one."""
    path = target_path(settings) / MANIFEST
    if not path.exists():
        parse(settings)
    return read_manifest(path)


def spec_of_step(step: Step, specs: dict[str, list[dg.AssetSpec]]) -> dg.AssetSpec:
    """The node of a step that `specs_of` does not know: it depends on what earlier steps made."""
    earlier = [spec.key for name in (*step.needs, *step.after) for spec in specs.get(name, ())]
    return dg.AssetSpec(["steps", step.name], deps=earlier, group_name="steps")


def asset_of(settings: Settings, step: Step, specs: Sequence[dg.AssetSpec]) -> dg.AssetsDefinition:
    """One step as a multi-asset whose body runs the step's own function."""

    @dg.multi_asset(name=step.name, specs=specs, description=step.summary)
    def run(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        log = start_run(settings)
        context.log.info("log: %s", log.log)
        background = step.background.run(settings) if step.background else nullcontext()
        try:
            with background:
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
    """Requests a run when the shop's source files have changed since the last tick."""

    @dg.sensor(job=job, minimum_interval_seconds=60)
    def new_source_files(context: dg.SensorEvaluationContext) -> Any:
        seen = files_seen(settings)
        if seen == context.cursor:
            return dg.SkipReason("no new or changed source file")
        context.update_cursor(seen)
        return dg.RunRequest(run_key=seen)

    return new_source_files


def segments_seen(settings: Settings) -> str:
    """The name of the newest sealed segment, for the sensor's cursor; empty if there is none."""
    found = (settings.raw / EVENTS).glob(f"ingest_date=*/*{SEALED}")
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
    return newest.name if newest else ""


def sensor_on_segments(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Requests a run when the speed layer has sealed a segment since the last tick.

    The job it runs does not stream, because its own segments would trigger the next run.
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
    """All assets, the jobs that make them, a daily schedule, and sensors on files and segments."""
    specs = specs_of(settings)
    for step in in_order():
        if step.name not in specs:
            specs[step.name] = [spec_of_step(step, specs)]
    makes_sources = is_demo_shop(settings)
    assets: list[Any] = [
        asset_of(settings, step, specs[step.name])
        for step in STEPS
        if step.name != "generate" or makes_sources
    ]
    if not makes_sources:
        assets += specs["generate"]  # external: the shop's own files
    # in one process, because DuckDB allows one writer
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
    """The definitions that Dagster loads."""
    return definitions(load_settings())
