"""The appendix: what other pages had no room for, every check, the files, and the versions."""

from __future__ import annotations

from quality.report.batches import Batch, FileGroup, file_groups
from quality.report.checks import (
    ContractCheck,
    RuleCheck,
    contract_checks,
    how_to_repeat,
    rule_checks,
    versions,
)
from quality.report.content import Content
from quality.report.dbt_build import TestCheck
from quality.report.inputs import Inputs
from quality.report.paper import WIDTH, Paper
from quality.report.paper_table import Column, draw_table
from quality.report.report import Report
from quality.report.words import number, share

MOST_GROUPS = 60
"""Groups of files that are drawn; report.json has them all."""
OUTCOMES = {
    "quarantined": "quarantined",
    "flagged": "flagged, kept",
    "deduplicated": "kept once",
    "superseded": "newest is kept",
    "filled": "filled in",
    "kept": "kept",
}
STATUS = {
    "pass": "✔ passed",
    "success": "✔ passed",
    "warn": "! warning",
    "skipped": "not run",
    "unknown": "not known",
}


class Appendix(Content):
    """What the page says."""

    rules: tuple[RuleCheck, ...]
    tests: tuple[TestCheck, ...]
    never_empty: int
    """Columns in which the build itself refuses nulls."""
    contracts: tuple[ContractCheck, ...]
    files: tuple[FileGroup, ...]
    batches: tuple[Batch, ...]
    versions: tuple[tuple[str, str], ...]
    repeat: tuple[str, ...]
    notes: tuple[str, ...]


class AppendixPage:
    """The last page."""

    name = "appendix"
    order = 90
    content = Appendix

    def read(self, inputs: Inputs) -> Appendix:
        """Everything that was checked, with what, and how to reproduce it."""
        files = file_groups(inputs.batches)
        return Appendix(
            rules=rule_checks(inputs.rules.values()),
            tests=inputs.build.tests,
            never_empty=inputs.build.never_empty,
            contracts=contract_checks(inputs.tables),
            files=files,
            batches=inputs.batches,
            versions=versions(),
            repeat=how_to_repeat(inputs.settings),
            notes=tuple(_notes(inputs, files)),
        )

    def draw(self, paper: Paper, report: Report) -> None:
        """First the sections that other pages left to the appendix."""
        appendix = report.of(self)
        paper.heading += " · appendix"
        paper.add_page()
        paper.headline("Appendix", "What was checked, with what, and how to reproduce it.")
        for draw_section in paper.appendix:
            draw_section(paper)
        _draw_rules(paper, appendix)
        _draw_missing(paper, appendix)
        _draw_tests(paper, appendix)
        _draw_contracts(paper, appendix)
        _draw_files(paper, appendix)
        _draw_versions(paper, appendix)


def _notes(inputs: Inputs, files: tuple[FileGroup, ...]) -> list[str]:
    tests = inputs.build.tests
    notes = []
    if not inputs.tables.has("quality.dq_rules"):
        notes.append("The rules in words are not in the warehouse: no transform has written them.")
    if not tests:
        notes.append("dbt has left no list of its tests.")
    elif all(test.status == "unknown" for test in tests):
        notes.append("dbt's results of the last build were overwritten by a later dbt command.")
    if any(group.files > 1 for group in files):
        notes.append(
            "The checksum of several files is the sha256 of their sha256, one a line, in the order "
            "of loading; report.json lists every file."
        )
    return notes


def _draw_rules(paper: Paper, appendix: Appendix) -> None:
    paper.section(f"The shop's rules ({len(appendix.rules):,})")
    rules = [rule for rule in appendix.rules if rule.kind != "missing"]
    if not rules:
        paper.note("The rules are not in the warehouse yet; see the notes below.")
        return
    columns = [
        Column("Source", 22),
        Column("Rule", 92, wrap=True),
        Column("If broken, the record is", 24),
        Column("Checked", 16, "R"),
        Column("Broken", 13, "R"),
        Column("Stops above", 13, "R"),
    ]
    rows = [
        (
            rule.entity,
            _sentence(rule),
            OUTCOMES.get(rule.outcome, rule.outcome),
            f"{rule.checked:,}",
            f"{rule.failed:,}",
            share(rule.stop_above) if rule.stop_above is not None else "–",
        )
        for rule in rules
    ]
    draw_table(paper, columns, rows, 7)


def _sentence(rule: RuleCheck) -> str:
    return f"{rule.words} Because: {rule.because}" if rule.because else rule.words


def _draw_missing(paper: Paper, appendix: Appendix) -> None:
    missing = [rule for rule in appendix.rules if rule.kind == "missing"]
    if not missing:
        return
    paper.section("What happens to missing values")
    columns = [
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
            _sentence(rule),
            OUTCOMES.get(rule.outcome, rule.outcome),
            f"{rule.checked:,}",
            f"{rule.failed:,}",
        )
        for rule in missing
    ]
    draw_table(paper, columns, rows, 7)


def _draw_tests(paper: Paper, appendix: Appendix) -> None:
    tests = appendix.tests
    paper.section(
        f"Checks of the whole warehouse ({len(tests):,}), run before anything is published"
    )
    if tests:
        columns = [
            Column("Table", 38),
            Column("What is checked", 124, wrap=True),
            Column("Result", 18),
        ]
        failed_first = sorted(tests, key=lambda test: test.status in ("pass", "success"))
        rows = [
            (test.about or "(all)", test.words, STATUS.get(test.status, "✘ failed"))
            for test in failed_first
        ]
        draw_table(paper, columns, rows, 7)
    if appendix.never_empty:
        paper.note(
            f"In addition, {number(appendix.never_empty, 'column')} must never be empty: the build "
            "fails if one is."
        )


def _draw_contracts(paper: Paper, appendix: Appendix) -> None:
    if not appendix.contracts:
        return
    paper.section("Landing contracts: what is checked in each file when it arrives")
    columns = [
        Column("Source", 24),
        Column("What is checked", 68),
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
        for check in appendix.contracts
    ]
    draw_table(paper, columns, rows, 7)


def _draw_files(paper: Paper, appendix: Appendix) -> None:
    files = appendix.files
    if not files:
        return
    paper.section("Files received, with their checksums")
    columns = [
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
    draw_table(paper, columns, rows, 6)
    if len(files) > MOST_GROUPS:
        paper.note(f"{len(files) - MOST_GROUPS:,} more folders and files in report.json.")


def _draw_versions(paper: Paper, appendix: Appendix) -> None:
    paper.section("Versions")
    paper.pen(8)
    paper.paragraph(" · ".join(f"{name} {version}" for name, version in appendix.versions))
    paper.section("How to reproduce this report, from the project folder", room=40)
    for command in appendix.repeat:
        paper.pen(7.5, font="mono")
        paper.line_of(command, WIDTH)
    paper.ln(1.5)
    for note in (
        *appendix.notes,
        "Texts from data are in double quotes, with invisible characters as \\x.. or \\u...., and "
        "long texts are cut. □ marks a character that this font lacks. report.json, next to this "
        "file, has the same content, and every file and column.",
    ):
        paper.note(note)


PAGE = AppendixPage()
