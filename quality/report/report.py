"""A report: which run wrote it, and what each page says. The PDF and the JSON are two views of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pydantic_core import to_json

from quality.report.content import C, Content, NamedContent

FORMAT = 1
"""Raised when an older report.json can no longer be compared with a new one."""
JSON, PDF = "report.json", "report.pdf"


class Run(Content):
    """Which run wrote the report, of which shop, and what it is compared with."""

    run_id: str
    shop: str
    title: str
    written_at: datetime
    as_of: datetime | None
    """The shop's clock; None before the first transform."""
    state: str
    """Changes whenever something was loaded or built; reports of one state belong to one run."""
    since_run: str | None
    since_written_at: datetime | None
    since: str
    """One sentence: what the changes are measured against."""


@dataclass(frozen=True)
class Report:
    """A data-quality report.

    Args:
        pages: what each page says, by the page's name, in the order of the report.
    """

    format: int
    run: Run
    pages: dict[str, Content]

    def of(self, page: NamedContent[C]) -> C:
        """What a page says."""
        return cast(C, self.pages[page.name])

    @property
    def is_compared(self) -> bool:
        """Whether there is an earlier report that changes are measured against."""
        return self.run.since_run is not None

    def to_json(self) -> str:
        """The text of report.json."""
        content = {"format": self.format, "run": self.run, **self.pages}
        return to_json(content, indent=1).decode() + "\n"
