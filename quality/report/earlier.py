"""The report of the run before, which every change is measured against."""

from __future__ import annotations

from quality.report.report import FORMAT, JSON, Report, read_report
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
