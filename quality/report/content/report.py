"""A report as a whole."""

from __future__ import annotations

from datetime import datetime

from quality.report.content.account import Account
from quality.report.content.appendix import Appendix
from quality.report.content.base import Content
from quality.report.content.columns import Columns
from quality.report.content.trust import Trust
from quality.report.content.verdict import Verdict

FORMAT = 1
"""Raised when an older report.json can no longer be compared with a new one."""


class Run(Content):
    """Which run wrote the report, of which shop, and what it is compared with."""

    run_id: str
    shop: str
    title: str
    written_at: datetime
    as_of: datetime | None
    """The shop's clock; None before the first transform."""
    state: str
    """Changes whenever something was loaded or built; reports of equal state are one run's."""
    since_run: str | None
    since_written_at: datetime | None
    since: str
    """One sentence: what the changes are measured against."""


class Report(Content):
    """A data-quality report."""

    format: int
    run: Run
    verdict: Verdict
    account: Account
    columns: Columns
    trust: Trust
    appendix: Appendix
