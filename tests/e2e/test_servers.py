"""Each server answers, and stops with the signal that Ctrl-C sends."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
import requests

from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 180.0) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            answer = requests.get(url, timeout=5)
            if answer.ok:
                return answer.text
        except requests.RequestException:
            time.sleep(0.25)
    raise AssertionError(f"{url} did not answer within {seconds} s")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "path", "shows"),
    [
        ("mlflow", "/health", "OK"),
        ("mock-api", "/health", ""),
        ("ui", "/server_info", "dagster_version"),
    ],
)
def test_server_answers_and_stops(demo_lake: Settings, verb: str, path: str, shows: str) -> None:
    port = processes.free_port(5600)
    server = subprocess.Popen(
        [sys.executable, "-m", "orchestration", verb, "--port", str(port)],
        env={**os.environ, **demo_lake.environment()},
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # a background job of a shell ignores SIGINT, and so would the server that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    family = [psutil.Process(server.pid)]
    try:
        assert shows in wait_for(f"http://127.0.0.1:{port}{path}", server)
        family += family[0].children(recursive=True)
        os.killpg(server.pid, signal.SIGINT)
        server.wait(30)
        _, alive = psutil.wait_procs(family, timeout=15)
        assert alive == []
    finally:
        with suppress(psutil.NoSuchProcess):  # a server that never answered has children too
            family += family[0].children(recursive=True)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
