"""The PDF of a report, a sheet or more for each page."""

from __future__ import annotations

from pathlib import Path

from quality.report.page import pages_in_order
from quality.report.paper import Paper
from quality.report.report import Report


def write_pdf(report: Report, target: Path) -> int:
    """Draw a report's pages, and return how many sheets it has. Equal reports give equal bytes."""
    run = report.run
    paper = Paper(f"Data quality report · run {run.run_id} · {run.title}", run.written_at)
    paper.set_title(f"Data quality report, {run.title}")
    paper.set_creator("RecoMart")
    paper.set_lang("en")
    for page in pages_in_order():
        if page.name in report.pages:
            page.draw(paper, report)
    paper.output(str(target))
    return paper.page_no()
