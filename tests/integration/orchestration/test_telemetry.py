"""SECURITY.md: the telemetry of dbt, MLflow and Dagster is off in what RecoMart runs."""

from __future__ import annotations

import pytest

from orchestration.dagster_home import prepare
from recomart.settings import TELEMETRY_OFF, Settings


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that every command and every child process gets, and no other ones."""
    for name in (*TELEMETRY_OFF, "DO_NOT_TRACK", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in TELEMETRY_OFF.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("off")
def test_dbt_sends_no_usage_statistics() -> None:
    from dbt.cli.flags import Flags
    from dbt.cli.main import cli

    assert Flags(cli.make_context("dbt", ["debug"])).SEND_ANONYMOUS_USAGE_STATS is False


@pytest.mark.usefixtures("off")
def test_mlflow_sends_no_telemetry() -> None:
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()


def test_dagster_sends_no_telemetry(settings: Settings) -> None:
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(prepare(settings))) as instance:
        assert not instance.telemetry_enabled
