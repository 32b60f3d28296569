"""The appendix: every check in plain words, the files, the versions, and how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence

from quality.report.content import MovedColumn, Reason, Report
from quality.report.middle import SHOWN_FAILED, draw_failed, draw_reason, ends, reason_height
from quality.report.paper import GREY, WIDTH, Column, Paper
from quality.report.words import number, share

MOST_REASONS, MOST_FAILED, MOST_GROUPS = 40, 60, 60
OUTCOMES = {
    "quarantined": "set aside",
    "flagged": "flagged, kept",
    "deduplicated": "one is kept",
    "superseded": "newest counts",
    "filled": "filled in",
    "kept": "kept",
}


def draw_appendix(
    paper: Paper, report: Report, reasons: Sequence[Reason], columns: Sequence[MovedColumn]
) -> None:
    """The appendix.

    Args:
        reasons: those that page 2 had no room for.
        columns: those that page 3 had no room for.
    """
    paper.heading += " · appendix"
    paper.add_page()
    paper.headline("Appendix", "What was checked, with what, and how to repeat it.")
    _further_reasons(paper, report, reasons)
    _further_columns(paper, columns)
    _rules(paper, report)
    _tests(paper, report)
    _contracts(paper, report)
    _files(paper, report)
    _failed(paper, report)
    _versions(paper, report)


def _further_reasons(paper: Paper, report: Report, reasons: Sequence[Reason]) -> None:
    if not reasons:
        return
    paper.section("Further reasons why records and lines are not used")
    for reason in reasons[:MOST_REASONS]:
        paper.keep(reason_height(paper, reason) + 1)
        draw_reason(paper, reason, compared=report.run.since_run is not None)
    if len(reasons) > MOST_REASONS:
        _note(paper, f"{len(reasons) - MOST_REASONS:,} more in report.json.")


def _further_columns(paper: Paper, columns: Sequence[MovedColumn]) -> None:
    if not columns:
        return
    paper.section("Further columns that changed or failed")
    headings = [
        Column("Column", 48),
        Column("Why", 72, wrap=True),
        Column("Missing", 16, "R"),
        Column("Range", 44, "R"),
    ]
    rows = [
        (
            f"{moved.entity}.{moved.column}",
            "; ".join(moved.why),
            share(moved.now.missing_share),
            " to ".join(ends(moved.now, short=True)),
        )
        for moved in columns
    ]
    paper.grid(headings, rows, 7)


def _rules(paper: Paper, report: Report) -> None:
    rules = [rule for rule in report.appendix.rules if rule.kind != "missing"]
    missing = [rule for rule in report.appendix.rules if rule.kind == "missing"]
    paper.section(f"The shop's rules ({len(report.appendix.rules):,})")
    if not rules:
        _note(paper, "They are not in the warehouse yet; see the notes below.")
        return
    headings = [
        Column("Source", 22),
        Column("Rule", 92, wrap=True),
        Column("Broken: the record is", 24),
        Column("Checked", 16, "R"),
        Column("Broken", 13, "R"),
        Column("Stops above", 13, "R"),
    ]
    rows = [
        (
            rule.entity,
            f"{rule.words}{f' Because: {rule.because}' if rule.because else ''}",
            OUTCOMES.get(rule.outcome, rule.outcome),
            f"{rule.checked:,}",
            f"{rule.failed:,}",
            share(rule.stop_above) if rule.stop_above is not None else "–",
        )
        for rule in rules
    ]
    paper.grid(headings, rows, 7)
    paper.section("What happens to missing values")
    headings = [
        Column("Source", 22),
        Column("Column", 26),
        Column("What happens", 88, wrap=True),
        Column("", 14),
        Column("Checked", 16, "R"),
        Column("Missing", 14, "R"),
    ]
    rows = [
        (
            rule.entity,
            rule.column or "",
            f"{rule.words}{f' Because: {rule.because}' if rule.because else ''}",
            OUTCOMES.get(rule.outcome, rule.outcome),
            f"{rule.checked:,}",
            f"{rule.failed:,}",
        )
        for rule in missing
    ]
    paper.grid(headings, rows, 7)


def _tests(paper: Paper, report: Report) -> None:
    tests = report.appendix.tests
    paper.section(
        f"Checks of the whole warehouse ({len(tests):,}), made before anything is published"
    )
    if tests:
        headings = [
            Column("Table", 38),
            Column("What must hold", 124, wrap=True),
            Column("Result", 18),
        ]
        about_first = sorted(tests, key=lambda test: (test.status in ("pass", "success"), 0))
        rows = [(test.about or "(all)", test.words, _status(test.status)) for test in about_first]
        paper.grid(headings, rows, 7)
    if report.appendix.never_empty:
        _note(
            paper,
            f"Beside these, {number(report.appendix.never_empty, 'column')} may never be empty: "
            "the build itself refuses an empty value there.",
        )


def _status(status: str) -> str:
    words = {"pass": "✔ holds", "success": "✔ holds", "warn": "! warning", "skipped": "not run"}
    return words.get(status, "not known" if status == "unknown" else "✘ broken")


def _contracts(paper: Paper, report: Report) -> None:
    if not report.appendix.contracts:
        return
    paper.section("Landing contracts: what each file must hold when it arrives")
    headings = [
        Column("Source", 24),
        Column("What must hold", 68),
        Column("Checked", 22, "R"),
        Column("Broken", 18, "R"),
        Column("Worst file", 22, "R"),
        Column("Files over 5%", 26, "R"),
    ]
    rows = [
        (
            check.entity,
            check.words,
            f"{check.records:,}",
            f"{check.failures:,}",
            share(check.worst_share),
            f"{check.batches_over:,}",
        )
        for check in report.appendix.contracts
    ]
    paper.grid(headings, rows, 7)


def _files(paper: Paper, report: Report) -> None:
    files = report.appendix.files
    if not files:
        return
    paper.section("Files, and the digests of what was received")
    headings = [
        Column("Source", 20),
        Column("Files", 11, "R"),
        Column("Bytes", 20, "R"),
        Column("", 2),
        Column("Which", 43, font="mono", keep_end=True),
        Column("sha256", 84, font="mono"),
    ]
    rows = [
        (group.entity, f"{group.files:,}", f"{group.bytes:,}", "", group.pattern, group.digest)
        for group in files[:MOST_GROUPS]
    ]
    paper.grid(headings, rows, 6)
    if len(files) > MOST_GROUPS:
        _note(paper, f"{len(files) - MOST_GROUPS:,} more folders and files in report.json.")


def _failed(paper: Paper, report: Report) -> None:
    failed = report.account.failed_files
    if len(failed) <= SHOWN_FAILED:
        return
    paper.section("All files that were quarantined whole")
    for file in failed[:MOST_FAILED]:
        draw_failed(paper, file)
    if len(failed) > MOST_FAILED:
        _note(paper, f"{len(failed) - MOST_FAILED:,} more in report.json.")


def _versions(paper: Paper, report: Report) -> None:
    appendix = report.appendix
    paper.section("Versions")
    paper.pen(8)
    paper.paragraph(" · ".join(f"{name} {version}" for name, version in appendix.versions))
    paper.section("How to repeat it, from the project's folder", room=40)
    for command in appendix.repeat:
        paper.pen(7.5, font="mono")
        paper.line_of(command, WIDTH)
    paper.ln(1.5)
    for note in (
        *appendix.notes,
        "Texts from data stand in double quotes, with unseen characters as \\x.. or \\u...., and "
        "are cut; □ is a character that this font lacks. report.json beside this file holds the "
        "same content, and every file and column.",
    ):
        _note(paper, note)


def _note(paper: Paper, text: str) -> None:
    paper.pen(7.5, colour=GREY)
    paper.paragraph(text, space=0.8)
