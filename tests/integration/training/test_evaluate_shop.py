"""`recomart evaluate` on a small lake: what it prints, writes and logs, and what it leaves alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from feature_store.model_evaluation import Evaluation, read_evaluation
from feature_store.registered_models import model_versions
from orchestration.cli import app
from recomart.errors import UnknownName
from recomart.settings import Settings
from training import protocols
from training.mlflow_store import EXPERIMENT, open_mlflow


@pytest.fixture(scope="module")
def lake(demo_lake: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo lake's published features, in a lake without a model."""
    folder = tmp_path_factory.mktemp("evaluate") / "lake"
    folder.mkdir()
    shutil.copytree(demo_lake.features, folder / "features", symlinks=True)
    for name in ("lake.json", "shop"):
        if (demo_lake.lake / name).is_file():
            shutil.copy(demo_lake.lake / name, folder / name)
    return demo_lake.model_copy(update={"lake": folder})


@pytest.fixture
def env(lake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (lake.environment() | {"COLUMNS": "80"}).items():
        monkeypatch.setenv(name, value)


@pytest.mark.slow
@pytest.mark.usefixtures("env")
def test_the_random_protocol_is_printed_written_and_logged_and_registers_nothing(
    lake: Settings, tmp_path: Path
) -> None:
    shown = CliRunner().invoke(
        app,
        [
            "evaluate",
            "--protocol",
            "random",
            "--relevant",
            "any",
            "--json",
            str(tmp_path / "e.json"),
        ],
    )
    assert shown.exit_code == 0, shown.output
    found = read_evaluation(lake, "random-any")
    assert found is not None
    assert Evaluation.model_validate_json((tmp_path / "e.json").read_bytes()) == found
    assert found.protocol == "random"
    assert found.relevant <= 1.0
    assert found.test_cut is None, "it is no protocol of times"
    assert model_versions(lake) == ()

    text = shown.output
    assert "for comparison only" in " ".join(text.split())
    tables = text[text.index("lists of 10") :].splitlines()[:-1]
    assert all(len(line) <= 80 for line in tables), tables
    ease = found.of("ease")
    assert ease is not None
    mean = f"{ease.figures['ndcg@10'].mean:.3f}".removeprefix("0")
    assert re.search(rf"^ease +{re.escape(mean)} \[", text, re.MULTILINE)
    for heading in ("lists of 10", "other lengths", "beyond hits", "candidates", "all together"):
        assert heading in text

    with open_mlflow(lake) as (_, client):
        experiment = client.get_experiment_by_name(EXPERIMENT)
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.info.run_name == "evaluate random-any"
        assert run.data.params["protocol"] == "random"
        assert run.data.metrics["ease.ndcg_at_10"] == ease.figures["ndcg@10"].mean
        stored = Path(run.info.artifact_uri.removeprefix("file://")) / "evaluation.json"
        assert Evaluation.model_validate_json(stored.read_bytes()) == found


@pytest.mark.usefixtures("env")
def test_a_protocol_that_does_not_exist_is_an_error_before_anything_is_fitted() -> None:
    refused = CliRunner().invoke(app, ["evaluate", "--protocol", "last-out"])
    assert isinstance(refused.exception, UnknownName)
    assert 'did you mean "last_out"?' in str(refused.exception)


def test_the_help_names_every_protocol() -> None:
    shown = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).output
    assert all(f"'{name}'" in shown for name in protocols.PROTOCOLS.names())
