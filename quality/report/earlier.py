"""The report of the run before, which every change is measured against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quality.report.page import pages_in_order
from quality.report.report import FORMAT, JSON, Report, Run
from recomart.settings import Settings


def earlier_report(settings: Settings, state: str) -> tuple[Report | None, int]:
    """The newest report of another state, and how many newer ones could not be read.

    A report that is written again over unchanged tables is compared with the same report as the
    first time, not with itself.
    """
    unreadable = 0
    for path in sorted(settings.reports.glob(f"[0-9]*/{JSON}"), reverse=True):
        try:
            report = read_report(path)
        except (ValueError, KeyError, TypeError, OSError):  # pydantic's error is a ValueError
            unreadable += 1
            continue
        if report.format == FORMAT and report.run.state != state:
            return report, unreadable
    return None, unreadable


def read_report(path: Path) -> Report:
    """A report.json. A page that is not registered (any more) is left out.

    Raises:
        OSError, ValueError: the file cannot be read, or is not a report of this version's pages.
    """
    content: dict[str, Any] = json.loads(path.read_bytes())
    return Report(
        format=content["format"],
        run=Run.model_validate(content["run"]),
        pages={
            page.name: page.content.model_validate(content[page.name])
            for page in pages_in_order()
            if page.name in content
        },
    )
