"""dbt's hooks and the gate before publishing, with a real dbt on a project of one model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from feature_store.publish.dbt_gate import require_tested
from recomart.errors import NotReady, TransformFailed
from recomart.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
HOOKS = """
on-run-start: ["{{ record_run_start() }}"]
on-run-end: ["{{ record_run_end(results) }}"]
"""
MODEL = """
models:
  - name: one
    columns:
      - name: a
        data_tests:
          - accepted_values:
              arguments: {values: ["{{ env_var('EXPECTED', '1') }}"]}
"""


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Runs dbt on a small project with our hooks, and gives the warehouse."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folder = tmp_path_factory.mktemp("dbt")
    warehouse = folder / "warehouse.duckdb"
    (folder / "models").mkdir()
    (folder / "macros").mkdir()
    shutil.copy(DBT_PROJECT / "macros" / "runs" / "record_run.sql", folder / "macros")
    (folder / "models" / "one.sql").write_text("select 1 as a")
    (folder / "models" / "one.yml").write_text(MODEL)
    quiet = "flags: {send_anonymous_usage_stats: false}\n"
    (folder / "dbt_project.yml").write_text(
        "name: small\nversion: 1.0\nprofile: small\n" + quiet + HOOKS
    )
    (folder / "profiles.yml").write_text(
        f"small: {{target: dev, outputs: {{dev: {{type: duckdb, path: '{warehouse}'}}}}}}"
    )

    def run(*command: str) -> Path:
        where = ("--project-dir", str(folder), "--profiles-dir", str(folder))
        dbtRunner().invoke([*command, *where, "--log-level", "none"])
        DuckDBConnectionManager.close_all_connections()
        return warehouse

    return run


def gate(warehouse: Path) -> str:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return require_tested(connection)


def test_a_whole_build_opens_the_gate_and_anything_less_closes_it(
    dbt: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gate(dbt("build", "--exclude", "resource_type:unit_test"))
    second = gate(dbt("build"))
    assert first != second

    with pytest.raises(NotReady, match="without testing everything"):
        gate(dbt("run"))
    with pytest.raises(NotReady, match="without testing everything"):
        gate(dbt("build", "--select", "one"))
    with pytest.raises(NotReady, match="without testing everything"):
        gate(dbt("build", "--exclude", "resource_type:test"))

    third = gate(dbt("build"))
    assert gate(dbt("docs", "generate")) == third, "it changes no table"
    monkeypatch.setenv("EXPECTED", "2")
    with pytest.raises(TransformFailed, match="1 dbt node failed"):
        gate(dbt("build"))


def test_the_project_calls_the_hooks() -> None:
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())

    for name, hooks in yaml.safe_load(HOOKS).items():
        assert set(hooks) <= set(project[name]), name
