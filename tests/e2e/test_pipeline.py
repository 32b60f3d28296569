"""`make pipeline` as a newcomer runs it, twice, and `make down`."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recomart import processes
from recomart.settings import PROJECT_ROOT, load_settings
from recomart.warehouse import warehouse
from tests.e2e.test_documented_commands import commands_to_run

RUN_LOG = "quality.dbt_runs"  # one row per run of dbt, on purpose


def make(target: str, lake: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "RECOMART_LAKE": str(lake),
        "RECOMART_SHOP": "demo",
        "RECOMART_SCALE": "0.1",
        "RECOMART_END_DATE": "2026-03-31",
        "RECOMART_STREAM_SECONDS": "0",
    }
    return subprocess.run(
        ["make", target, *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def counts(lake: Path) -> dict[str, int]:
    with warehouse(load_settings(shop="demo", lake=lake), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables order by all"
        ).fetchall()
        return {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]
            for (name,) in names
        }


def running_for(lake: Path) -> list[str]:
    """Processes that work in the lake or name it; the server renames itself, but stays there."""
    return [
        " ".join(p.info["cmdline"] or ())
        for p in psutil.process_iter(["cmdline", "cwd"])
        if any(str(lake) in word for word in (*(p.info["cmdline"] or ()), p.info["cwd"] or ""))
    ]


@pytest.fixture(scope="module")
def first(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    """A lake that `make pipeline` made, and what it printed; `make down` must stop all of it."""
    lake = tmp_path_factory.mktemp("pipeline") / "lake"
    try:
        yield lake, make("pipeline", lake)
    finally:
        stopped = make("down", lake)
    assert "stopped redis" in stopped.stdout
    assert running_for(lake) == []


@pytest.mark.slow
def test_make_pipeline_ends_with_a_top_10_and_a_second_run_adds_nothing(
    first: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    lake, done = first
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^ *\d+  ", done.stdout, re.M)) == 10
    assert not [line for line in done.stderr.splitlines() if "Traceback" in line]
    before = counts(lake)
    second = make("pipeline", lake)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "nothing new to learn" in second.stdout
    assert ", 0 written" in second.stdout
    after = counts(lake)
    assert after.pop(RUN_LOG) == before.pop(RUN_LOG) + 1
    assert after == before
    user = re.search(r"For user (\S+)", second.stdout).group(1)
    again = make("recommend", lake, f"ID={user}")
    assert len(re.findall(r"^ *\d+  ", again.stdout, re.M)) == 10
    unknown = make("recommend", lake, "ID=nobody-of-that-name")
    assert "is unknown; these products are popular" in unknown.stdout
    assert len(running_for(lake)) == 1  # the embedded Redis


@pytest.mark.slow
def test_documented_commands_work(
    first: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    from orchestration.output.recommendations import example_user

    settings = load_settings(shop="demo", lake=first[0], stream_seconds=0)
    environment = {
        **os.environ,
        **settings.environment(),
        "PATH": f"{PROJECT_ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }
    to_run = commands_to_run()
    assert to_run
    for command in to_run:
        words = command.replace("<user id>", shlex.quote(example_user(settings)))
        done = subprocess.run(
            ["bash", "-c", words],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.slow
def test_nothing_is_left_running_when_a_step_fails(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    settings = load_settings(shop="demo", lake=lake)
    assert make("generate", lake).returncode == 0
    ratings = next((settings.source_data / "ratings").glob("*.csv"))
    ratings.write_text(ratings.read_text().replace("rated_at", "rated_on", 1))
    failed = make("pipeline", lake)
    assert failed.returncode != 0
    assert ratings.name in failed.stdout
    assert "not run: stream, transform, publish, train" in failed.stdout
    assert running_for(lake) == []
    assert processes.stop_all(settings) == []
