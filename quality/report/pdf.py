"""The report on paper: its pages in order."""

from __future__ import annotations

from pathlib import Path

from quality.report.annex import draw_appendix
from quality.report.content import Report
from quality.report.front import draw_trust, draw_verdict
from quality.report.middle import draw_account, draw_columns
from quality.report.paper import Paper


def write_pdf(report: Report, target: Path) -> int:
    """Draw the report, and return how many pages it has. Equal reports give equal bytes."""
    run = report.run
    paper = Paper(f"Data quality report · run {run.run_id} · {run.title}", run.written_at)
    paper.set_title(f"Data quality report, {run.title}")
    paper.set_creator("RecoMart")
    paper.set_lang("en")
    draw_verdict(paper, report)
    drawn = draw_account(paper, report)
    further = draw_columns(paper, report)
    draw_trust(paper, report)
    draw_appendix(paper, report, report.account.reasons[drawn:], further)
    paper.output(str(target))
    return paper.page_no()
