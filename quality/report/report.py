"""A report: which run wrote it, and what each page says. The PDF and the JSON are two views of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic_core import to_json

from quality.report.inputs import Inputs, read_inputs
from quality.report.page import C, Content, Page, pages_in_order
from quality.report.quoting import plain
from recomart.settings import Settings
from recomart.step import Progress

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


def gather(settings: Settings, run_id: str, written_at: datetime, progress: Progress) -> Report:
    """The report of the warehouse in its present state.

    Raises:
        NotReady: there is no warehouse.
        WarehouseLocked: another process writes to it.
    """
    with read_inputs(settings, progress) as inputs:
        return Report(
            format=FORMAT,
            run=_run(inputs, settings, run_id, written_at),
            pages={page.name: inputs.content(page) for page in pages_in_order()},
        )


def _run(inputs: Inputs, settings: Settings, run_id: str, written_at: datetime) -> Run:
    earlier = inputs.earlier
    return Run(
        run_id=run_id,
        shop=settings.shop_name,
        title=plain(inputs.shop_value("title") or settings.shop_name, 120),
        written_at=written_at,
        as_of=inputs.as_of,
        state=inputs.state,
        since_run=earlier.run.run_id if earlier else None,
        since_written_at=earlier.run.written_at if earlier else None,
        since=_since(earlier, inputs.unreadable_reports),
    )


def _since(earlier: Report | None, unreadable: int) -> str:
    if earlier is None:
        first = "First report of this lake: there is no earlier run to compare with."
        return f"{first} {unreadable} older could not be read." if unreadable else first
    moment = earlier.run.written_at.astimezone(UTC)
    return f"Changes are since run {plain(earlier.run.run_id, 40)} of {moment:%Y-%m-%d %H:%M} UTC."
