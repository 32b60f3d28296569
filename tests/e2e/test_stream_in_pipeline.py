"""`make pipeline` streams visitors in the background, loads their events, and leaves no process."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestration.background_stream import SIMULATOR, SPEED_LAYER, summary_file
from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings
from recomart.warehouse import warehouse

pytestmark = pytest.mark.slow


PAGE = PROJECT_ROOT / "docs" / "simulator.md"
SHELL_PATH = f"{PROJECT_ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"


def commands_of(page: Path) -> list[str]:
    """The lines of a page's `sh` blocks, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), flags=re.M | re.S)
    lines = [re.sub(r"\s+#.*$", "", line) for block in blocks for line in block.splitlines()]
    assert lines
    return lines


@pytest.fixture
def lake(settings: Settings) -> Settings:
    return settings.model_copy(update={"scale": 0.02, "stream_seconds": 3})


def start(settings: Settings, *arguments: str, seconds: float | None = None) -> subprocess.Popen:
    variables = settings.environment() | {"RECOMART_SCALE": str(settings.scale), "COLUMNS": "160"}
    if seconds is not None:
        variables["RECOMART_STREAM_SECONDS"] = str(seconds)
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell's background job ignores Ctrl-C, and so would what it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until(happened: Callable[[], object], child: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)


def streams(settings: Settings) -> bool:
    return all(begun(processes.running(settings, name)) for name in (SIMULATOR, SPEED_LAYER))


def begun(process: processes.Process | None) -> bool:
    """Whether its command runs. Before that, the process ends together with its parent."""
    if process is None:
        return False
    try:
        return psutil.Process(process.pid).cmdline()[:1] != ["/bin/sh"]
    except psutil.NoSuchProcess:
        return False


def working_in(settings: Settings) -> list[str]:
    """Processes that know the lake, without its Redis."""
    found = []
    for process in psutil.process_iter():
        try:
            lake = process.environ().get("RECOMART_LAKE")
            if lake == str(settings.lake) and "redis" not in process.name():
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    redis = processes.running(settings, "redis")
    return [one for one in found if redis is None or "redis" not in one]


def test_streamed_events_are_loaded_each_once_clicks_change_the_list_and_the_page_works(
    lake: Settings,
) -> None:
    output, _ = (child := start(lake, "pipeline")).communicate(timeout=280)
    assert child.returncode == 0, output
    sent = json.loads(summary_file(lake).read_text())["expected"]["messages"]
    assert sent > 0
    with warehouse(lake, read_only=True) as connection:
        streamed = connection.execute(
            "select count(*), count(distinct event_id) from marts.fct_events"
            " where event_id like 'live-%'"
        ).fetchone()
    assert streamed == (sent, sent)
    assert re.search(rf"✔ stream +{sent:,} events", output)
    live = output[output.index("Live · ") :]
    bought = re.search(r"bought (.+?), looked at", " ".join(live.split("real-time")[0].split()))
    assert bought
    assert re.search(r"rt_user_purchases_5m +\S+ +→ +\d", live)
    lists = live[live.index("list before") :].splitlines()[1:6]
    before, now, trending = zip(*(re.split(r" {2,}", line.strip()) for line in lists), strict=True)
    assert before[0] == f"{bought.group(1)} bought"
    # what was bought is gone; the others may be in another order, since the clicks count
    assert bought.group(1) not in now
    assert len(set(now)) == 5
    assert bought.group(1) in trending
    assert working_in(lake) == []
    for line in commands_of(PAGE):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=PROJECT_ROOT,
            env={**os.environ, **lake.environment(), "PATH": SHELL_PATH},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_pipeline_leaves_no_process(lake: Settings, number: signal.Signals) -> None:
    child = start(lake, "pipeline", seconds=300)
    wait_until(lambda: streams(lake), child)
    child.send_signal(number)
    child.communicate(timeout=60)
    # Python ends itself with SIGINT when Ctrl-C arrives inside an exec: a shell shows 130 for both
    assert child.returncode in (128 + number, -number)
    assert working_in(lake) == []


def test_what_a_killed_pipeline_leaves_ends_at_the_next_start_or_with_down(lake: Settings) -> None:
    first = start(lake, "pipeline", seconds=300)
    wait_until(lambda: streams(lake), first)
    left = {name: processes.running(lake, name) for name in (SIMULATOR, SPEED_LAYER)}
    first.kill()
    first.communicate(timeout=60)
    second = start(lake, "pipeline", seconds=300)
    wait_until(lambda: not any(process.alive() for process in left.values()), second)
    wait_until(lambda: streams(lake), second)
    second.kill()
    second.communicate(timeout=60)
    down = start(lake, "down")
    said, _ = down.communicate(timeout=60)
    assert SIMULATOR in said
    assert working_in(lake) == []
    assert processes.running(lake, "redis") is None


def test_a_failed_step_leaves_no_process(lake: Settings) -> None:
    generated = start(lake, "generate")
    assert generated.wait(120) == 0, generated.communicate()[0]
    ratings = next((lake.source_data / "ratings").glob("*.csv"))
    ratings.write_text(ratings.read_text().replace("rated_at", "rated_on", 1))
    child = start(lake, "pipeline", seconds=300)
    output, _ = child.communicate(timeout=120)
    assert child.returncode == 1
    assert "not run: stream, transform, publish, train" in output
    assert working_in(lake) == []


def test_make_stream_shows_how_it_goes_and_ends_with_ctrl_c(lake: Settings) -> None:
    assert start(lake, "generate").wait(120) == 0
    child = start(lake, "stream", "demo", "--rate", "100")
    assert child.stdout
    seen = ""
    while not re.search(r"^[1-9][\d,]* received · [\d.,]+/s", seen, re.M):
        line = child.stdout.readline()
        assert line, seen
        seen += line
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "stopped" in rest
    assert working_in(lake) == []
