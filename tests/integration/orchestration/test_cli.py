import os
import subprocess
import sys

import pytest

from orchestration.cli import app
from recomart.settings import PROJECT_ROOT, Settings

VERBS = [c.name or c.callback.__name__.replace("_", "-") for c in app.registered_commands]


def recomart(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration", *argv],
        env={**os.environ, **variables},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_verb_has_help() -> None:
    groups = [group.typer_instance for group in app.registered_groups]
    for command in [c for each in (app, *groups) for c in each.registered_commands]:
        assert command.callback.__doc__, command.callback.__name__
    shown = recomart("--help").stdout
    assert all(verb in shown for verb in VERBS)


def test_wrong_configuration_exits_with_2_and_names_the_variable() -> None:
    result = recomart("ingest", RECOMART_SHOP="movielens_100")
    assert result.returncode == 2
    assert 'did you mean "movielens_100k"?' in result.stderr
    assert "Traceback" not in result.stderr


def test_step_that_fails_exits_with_1(settings: Settings) -> None:
    result = recomart("transform", **settings.environment())
    assert result.returncode == 1
    assert "recomart ingest" in result.stdout


def test_unknown_step_is_refused_with_the_known_ones() -> None:
    result = recomart("pipeline", "--from", "tranform")
    assert result.returncode == 2
    assert "generate, ingest, stream, transform, publish, train" in result.stderr


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["recommend", "--user", "u1"], "recomart"),
        (["features", "user", "u1"], "recomart publish"),
    ],
)
def test_verbs_before_the_pipeline_say_what_to_run(
    settings: Settings, argv: list[str], says: str
) -> None:
    result = recomart(*argv, **settings.environment())
    assert result.returncode == 1
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_port_in_use_names_the_holder(settings: Settings) -> None:
    from feature_store.online.redis import start_embedded

    process = start_embedded(settings)
    for verb in ("mlflow", "ui"):
        result = recomart(verb, "--port", str(process.port), **settings.environment())
        assert result.returncode == 1
        assert f"port {process.port}" in result.stderr
        assert f"PID {process.pid}" in result.stderr
