"""What a page of the report is, and the registry that finds the pages.

A page is one module in `quality/report/pages/` that assigns its page to `PAGE`:

    class StockPage:
        name = "stock"
        order = 50
        content = Stock                                 # a pydantic model: what the page says

        def read(self, inputs: Inputs) -> Stock: ...    # reads the warehouse, draws nothing
        def draw(self, paper: Paper, report: Report) -> None: ...    # draws, reads nothing

    PAGE = StockPage()

The content is the page's key in report.json, and what it draws. So the JSON and the PDF cannot
differ.
"""

from __future__ import annotations

from typing import Any, Protocol

from quality.report.content import C
from quality.report.inputs import Readable
from quality.report.paper import Paper
from quality.report.report import Report
from recomart.registry import Registry


class Page(Readable[C], Protocol[C]):
    """One page of the report, which may break over several sheets."""

    order: int
    """Its place in the report: verdict 10, account 20, columns 30, trust 40, models 45,
    appendix 90."""

    def draw(self, paper: Paper, report: Report) -> None:
        """Draw the page, beginning with a new sheet or a part of the present one."""
        ...


PAGES: Registry[Page[Any]] = Registry(
    "page of the report",
    "quality.report.pages",
    "PAGE",
    Page,  # type: ignore[type-abstract]  # a protocol, which the registry only inspects
)


def pages_in_order() -> list[Page[Any]]:
    """All pages, as the report shows them.

    Raises:
        ExtensionError: a module has no page, a page is incomplete, or two pages share a name.
    """
    return sorted(PAGES, key=lambda page: (page.order, page.name))
