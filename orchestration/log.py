"""One log file per run, in `<lake>/logs`. Only orchestration prints to the terminal."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from recomart.settings import Settings

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@dataclass(frozen=True)
class Run:
    """One run of a command: its id and its log file."""

    id: str
    log: Path


class _RunLog(logging.FileHandler):
    def __init__(self, run: Run) -> None:
        super().__init__(run.log, encoding="utf-8")
        self.run = run


def current_run() -> Run | None:
    """The run to whose log this process writes; None before `start_run`."""
    runs = [h.run for h in logging.getLogger().handlers if isinstance(h, _RunLog)]
    return runs[-1] if runs else None


def start_run(settings: Settings) -> Run:
    """Send all logs of this process to a new file `<lake>/logs/<run_id>.log`."""
    run_id = secrets.token_hex(4)
    settings.logs.mkdir(parents=True, exist_ok=True)
    run = Run(run_id, settings.logs / f"{run_id}.log")
    handler = _RunLog(run)
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    return run
