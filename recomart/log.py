"""One plain log file per run, under `<lake>/logs`. The terminal belongs to orchestration."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from recomart.settings import Settings

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@dataclass(frozen=True)
class Run:
    """One run of a command: its id, and where its log is."""

    id: str
    log: Path


def start_run(settings: Settings) -> Run:
    """Send all logging of this process to `<lake>/logs/<run_id>.log`, replacing earlier handlers."""
    run_id = secrets.token_hex(4)
    settings.logs.mkdir(parents=True, exist_ok=True)
    path = settings.logs / f"{run_id}.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    return Run(run_id, path)
