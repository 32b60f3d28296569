"""A report: which run wrote it, and what each page says. The PDF and the JSON are two views of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from pydantic_core import to_json

from quality.report.page import C, Content, Page, pages_in_order

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

    def of(self, page: Page[C]) -> C:
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
