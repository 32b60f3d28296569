from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from feature_store import dbt_manifest
from feature_store.publish.dbt_gate import manifest_of, require_tested
from recomart.errors import NotReady, TransformFailed
from recomart.settings import Settings

DONE = datetime(2024, 5, 1, 10, 5)


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "create schema quality; create table quality.dbt_runs (invocation_id varchar, "
        "command varchar, complete boolean, started_at timestamp, finished_at timestamp, "
        "failures bigint)"
    )
    return connection


def record(connection: duckdb.DuckDBPyConnection, hour: int, *run: object) -> None:
    name, command, complete, finished, failures = run
    started = datetime(2024, 5, 1, hour)
    connection.execute(
        "insert into quality.dbt_runs values (?, ?, ?, ?, ?, ?)",
        [name, command, complete, started, finished, failures],
    )


def test_a_whole_build_without_failures_may_be_published(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    record(warehouse, 9, "a", "build", True, DONE, 3)
    record(warehouse, 10, "b", "build", True, DONE, 0)

    assert require_tested(warehouse) == "b"


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (("b", "build", True, DONE, 2), TransformFailed, "2 dbt nodes failed"),
        (("b", "build", True, None, None), NotReady, "did not end"),
        (("b", "build", False, DONE, 0), NotReady, "without testing everything"),
        (("b", "run", True, DONE, 0), NotReady, "without testing everything"),
    ],
)
def test_after_a_good_build_another_run_closes_the_gate(
    warehouse: duckdb.DuckDBPyConnection, run: tuple, error: type[Exception], message: str
) -> None:
    record(warehouse, 9, "a", "build", True, DONE, 0)
    record(warehouse, 10, *run)

    with pytest.raises(error, match=message):
        require_tested(warehouse)


def test_a_warehouse_that_dbt_never_built_is_not_ready() -> None:
    with pytest.raises(NotReady, match="not been built"):
        require_tested(duckdb.connect())


def test_the_manifest_is_that_of_the_run_even_if_another_is_newer(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_manifest, "DBT_PROJECT", tmp_path / "dbt_project")
    of_pipeline = settings.lake / "dbt" / "manifest.json"
    by_hand = tmp_path / "dbt_project" / "target" / "manifest.json"
    for path, invocation, age in ((of_pipeline, "a", 100), (by_hand, "b", 0)):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"metadata": {"invocation_id": invocation}}))
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))

    assert manifest_of(settings, "a") == of_pipeline
    assert manifest_of(settings, "b") == by_hand
    assert manifest_of(settings, "of a run whose manifest was overwritten") == by_hand


def test_without_any_manifest_publishing_is_not_ready(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_manifest, "DBT_PROJECT", tmp_path / "dbt_project")
    with pytest.raises(NotReady, match="manifest"):
        manifest_of(settings, "a")
