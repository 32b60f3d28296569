"""The data-quality report of a run: a PDF for people, and the same content as JSON."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime

from recomart.errors import ConfigurationError
from recomart.files import fsync_folder, replace_text, swap_link
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress

__all__ = ["write_report"]

LATEST = "latest"


def write_report(settings: Settings, run_id: str, progress: Progress = no_progress) -> StepResult:
    """Write `<lake>/reports/<UTC time>-<run_id>/report.{pdf,json}`, and link it as `latest`.

    It can be written at any time: after a build that passed, failed or stopped, and before the
    first one. A reader sees a whole report or none.

    Raises:
        NotReady: there is no warehouse.
        WarehouseLocked: another process writes to it.
    """
    from quality.report.gather import gather
    from quality.report.pages import verdict
    from quality.report.pdf import write_pdf
    from quality.report.report import JSON, PDF

    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", run_id):
        raise ConfigurationError(
            "a run's id names a folder", found=repr(run_id), help="use letters, digits, _, . and -"
        )
    written_at = datetime.now(UTC).replace(microsecond=0)
    report = gather(settings, run_id, written_at, progress)
    progress("drawing", 0, 0)
    name = f"{written_at:%Y%m%dT%H%M%SZ}-{run_id}"
    writing = settings.reports / f".writing-{os.getpid()}"
    shutil.rmtree(writing, ignore_errors=True)
    try:
        replace_text(writing / JSON, report.to_json())
        sheets = write_pdf(report, writing / PDF)
        folder = settings.reports / name
        if folder.exists():
            shutil.rmtree(folder)  # the same run, written again within its second
        writing.rename(folder)
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    fsync_folder(settings.reports)
    swap_link(settings.reports / LATEST, name)
    found = report.of(verdict.PAGE)
    return StepResult(sheets, "pages", f"{found.sentence} · {folder / PDF}", found.colour)
