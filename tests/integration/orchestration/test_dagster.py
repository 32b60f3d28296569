"""Dagster shows the same graph as the runner, from source files to the model, and can run it."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from feature_store.realtime.streams import EVENTS, SEALED
from orchestration.dagster_assets import MODEL, STREAM, definitions, files_seen, source_key
from orchestration.steps import STEPS
from orchestration.transform import target_path
from recomart import processes
from recomart.settings import Settings


@pytest.fixture
def lake_copy(demo_lake: Settings, tmp_path: Path) -> Settings:
    """The demo lake, copied to be run again, with a Redis of its own."""
    lake = tmp_path / "lake"
    skipped = shutil.ignore_patterns("run", "redis", "logs", "mlartifacts", "mlflow.db")
    shutil.copytree(demo_lake.lake, lake, symlinks=True, ignore=skipped)
    copied = demo_lake.model_copy(update={"lake": lake})
    yield copied
    processes.stop_all(copied)


def upstream(graph, key: dg.AssetKey) -> set[dg.AssetKey]:
    found, todo = set(), [key]
    while todo:
        for parent in graph.get(todo.pop()).parent_keys:
            if parent not in found:
                found.add(parent)
                todo.append(parent)
    return found


def test_graph_leads_from_source_files_over_models_and_views_to_the_model(
    demo_lake: Settings,
) -> None:
    graph = definitions(demo_lake).resolve_asset_graph()
    above = upstream(graph, MODEL)
    assert source_key("ratings") in above
    assert dg.AssetKey(["raw", "ratings"]) in above
    assert dg.AssetKey(["staging", "stg_ratings"]) in above
    assert dg.AssetKey(["features", "ftr_users"]) in above
    assert dg.AssetKey(["published", "ftr_users"]) in above


def test_every_step_is_an_asset_of_the_same_name(demo_lake: Settings) -> None:
    names = {a.op.name for a in definitions(demo_lake).assets if isinstance(a, dg.AssetsDefinition)}
    assert names == {step.name for step in STEPS}


def test_own_files_of_a_shop_are_seen_and_not_made(tmp_path: Path, demo_lake: Settings) -> None:
    lake = tmp_path / "lake"
    (lake / "dbt").mkdir(parents=True)
    shutil.copy(target_path(demo_lake) / "manifest.json", lake / "dbt" / "manifest.json")
    settings = demo_lake.model_copy(update={"shop": "movielens_100k", "lake": lake})
    graph = definitions(settings).resolve_asset_graph()
    assert not graph.get(source_key("ratings")).is_materializable


@pytest.mark.slow
def test_job_runs_the_whole_graph(lake_copy: Settings) -> None:
    job = definitions(lake_copy).resolve_job_def("pipeline")
    with dg.instance_for_test() as instance:
        result = job.execute_in_process(instance=instance)
    assert result.success
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    assert {MODEL, dg.AssetKey(["published", "ftr_products"])} <= made


def test_sensor_asks_for_a_run_only_when_a_source_file_changed(
    demo_lake: Settings, tmp_path: Path
) -> None:
    sources = tmp_path / "lake" / "source_data"
    shutil.copytree(demo_lake.source_data, sources)
    settings = demo_lake.model_copy(update={"lake": tmp_path / "lake"})
    shutil.copytree(target_path(demo_lake), target_path(settings))
    sensor = next(s for s in definitions(settings).sensors if s.name == "new_source_files")

    def tick(cursor: str | None) -> dg.SensorEvaluationContext:
        return dg.build_sensor_context(cursor=cursor, sensor_name=sensor.name)

    first = tick(None)
    assert isinstance(sensor(first), dg.RunRequest)
    assert first.cursor == files_seen(settings)
    assert isinstance(sensor(tick(first.cursor)), dg.SkipReason)
    (sources / "ratings" / "2099-01-01.csv").write_text("user_id\n")
    assert isinstance(sensor(tick(first.cursor)), dg.RunRequest)


def test_sensor_asks_for_a_batch_without_a_stream_when_a_segment_was_sealed(
    demo_lake: Settings, tmp_path: Path
) -> None:
    settings = demo_lake.model_copy(update={"lake": tmp_path / "lake"})
    shutil.copytree(target_path(demo_lake), target_path(settings))
    graph = definitions(settings)
    sensor = next(s for s in graph.sensors if s.name == "sealed_segments")
    assert STREAM not in graph.resolve_job_def(sensor.job_name).asset_layer.executable_asset_keys

    def tick(cursor: str | None) -> dg.SensorEvaluationContext:
        return dg.build_sensor_context(cursor=cursor, sensor_name=sensor.name)

    assert isinstance(sensor(tick(None)), dg.SkipReason)
    folder = settings.raw / EVENTS / "ingest_date=2026-03-31"
    folder.mkdir(parents=True)
    (folder / f"one{SEALED}").write_bytes(b"")
    first = tick(None)
    assert isinstance(sensor(first), dg.RunRequest)
    assert isinstance(sensor(tick(first.cursor)), dg.SkipReason)
