"""Contenders that take turns, each in a process of its own: one machine, one run, own peaks."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from recomart.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Turn:
    """Medians of a contender's turns, without its start; the peak is of its whole life."""

    seconds: float
    peak_mb: float


def serve(run: Callable[[], object]) -> None:
    """In a contender's process: one turn for each line on stdin.

    What a turn gives is dropped after its time was taken.
    """
    parent = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is not a figure
    _send(parent, {})
    for _ in sys.stdin:
        start = time.perf_counter()
        result = run()
        seconds = time.perf_counter() - start
        del result
        _send(parent, {"seconds": seconds, "peak_mb": peak_mb()})


def peak_mb() -> float:
    """The most memory that this process has used, resident, in MB.

    Linux hands `ru_maxrss` of a process on to its children, so there its own account is read.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:", 1)[1].split()[0]) * 1024 / 1e6


def take_turns(
    commands: dict[str, Sequence[str]], rounds: int, before: Callable[[str], None] | None = None
) -> dict[str, Turn]:
    """Run `python -m <command>` of each contender, `rounds` turns each, one after the other.

    Args:
        before: called with the contender's name before each of its turns.
    """
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, command in commands.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, float] = {}
    try:
        for name, process in running.items():
            _receive(name, process)  # it is ready
        for _ in range(rounds):
            for name, process in running.items():
                if before:
                    before(name)
                assert process.stdin
                process.stdin.write("\n")
                process.stdin.flush()
                answer = _receive(name, process)
                seconds[name].append(answer["seconds"])
                peaks[name] = answer["peak_mb"]
    finally:
        for process in running.values():
            process.kill() if sys.exc_info()[0] else process.communicate()
            process.wait()
    return {name: Turn(statistics.median(seconds[name]), peaks[name]) for name in commands}


def _send(parent: IO[str], figures: dict[str, float]) -> None:
    parent.write(json.dumps(figures) + "\n")
    parent.flush()


def _receive(name: str, process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{name} ended with {process.wait()}")
    return json.loads(line)
