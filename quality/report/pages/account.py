"""The account: where every line and record went, and why."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial

from quality.report.batches import FailedFile, failed_files
from quality.report.charts import figure_of, png
from quality.report.content import Content
from quality.report.inputs import Inputs
from quality.report.paper import GREY, MARGIN, WIDTH, Paper
from quality.report.paper_table import Cell, Column, draw_table, fitting_widths
from quality.report.reasons import (
    Reason,
    draw_further_reasons,
    draw_reason,
    read_reasons,
    reason_height,
)
from quality.report.repeats import draw_repeats, repeats_in_files
from quality.report.report import Report
from quality.report.source_account import SourceAccount, source_accounts
from quality.report.words import number
from recomart.shop.model import ENTITIES

TITLE = "Where everything went"
SHOWN_FAILED, MOST_FAILED = 5, 60
"""Failed files on this page, and in the appendix."""
NOT_USED = (
    ("rejected", "unreadable", "#4d4d4d"),
    ("quarantined", "in quarantine", "#d55e00"),
    ("deduplicated", "repeats", "#56b4e9"),
    ("superseded", "old versions", "#0072b2"),
    ("filtered", "filtered", "#e0c68c"),
    ("cancelled", "cancelled", "#cc79a7"),
    ("unjudged", "not judged", "#c4c4c4"),
)
COLUMNS = (
    ("lines", "lines"),
    ("header", "header"),
    ("blank", "blank"),
    ("contin- uation", "continuation"),
    ("unread- able", "rejected"),
    ("records", "records"),
    ("used", "accepted"),
    ("quaran- tined", "quarantined"),
    ("repeats", "deduplicated"),
    ("old versions", "superseded"),
    ("filtered", "filtered"),
    ("can- celled", "cancelled"),
    ("not judged", "unjudged"),
)
WHERE_ANY = {"filtered", "cancelled"}
"""Columns of the table that only a shop with such records has."""


class Account(Content):
    """What the page says."""

    sources: tuple[SourceAccount, ...]
    reasons: tuple[Reason, ...]
    """Most records first. A record with two reasons counts under both."""
    failed_files: tuple[FailedFile, ...]


class AccountPage:
    """The second page."""

    name = "account"
    order = 20
    content = Account

    def read(self, inputs: Inputs) -> Account:
        """The account of all batches."""
        failed = failed_files(inputs.loads)
        sources = source_accounts(
            inputs.batches,
            failed,
            repeats_in_files(inputs.tables),
            {entity: inputs.shop_value("repeats", entity) for entity in ENTITIES},
        )
        records = dict.fromkeys(ENTITIES, 0)
        for source in sources:
            records[source.entity] += source.records
        earlier = inputs.earlier_content(self)
        reasons = read_reasons(
            inputs.tables, inputs.loads, inputs.rules, records, earlier.reasons if earlier else None
        )
        return Account(sources=sources, reasons=reasons, failed_files=failed)

    def draw(self, paper: Paper, report: Report) -> None:
        """The terms of each source, what is not used, failed files, and the frequent reasons."""
        account = report.of(self)
        paper.add_page()
        paper.headline(
            TITLE,
            "A line is a header, blank, a continuation (of a record that spans lines), unreadable, "
            "or a record. A record is used, in quarantine, a repeat (the same record again), an "
            "old version (a newer record replaced it), filtered (the shop leaves it out), cancelled "
            "(a purchase that was taken back, or its cancellation), or not judged yet.",
        )
        if not account.sources:
            paper.pen(9.5)
            paper.paragraph("Nothing was received.")
            return
        draw_terms(paper, account.sources)
        draw_repeats(paper, account.sources)
        if chart := unused_chart(account.sources):
            picture, height = chart
            paper.image(picture, x=MARGIN, w=WIDTH, h=height)
        else:
            paper.pen(9)
            paper.paragraph("Every line and record received is used.")
        if account.failed_files:
            _draw_failed_files(paper, account.failed_files)
        if account.reasons:
            _draw_reasons(paper, account.reasons, report.is_compared)


def draw_terms(paper: Paper, sources: Sequence[SourceAccount]) -> None:
    """A table of what the lines and records of each source are, with totals."""
    shown = [
        (heading, key)
        for heading, key in COLUMNS
        if key not in WHERE_ANY or any(getattr(s, key) for s in sources)
    ]
    rows = [
        [
            f"{s.entity} ({s.source})",
            f"{s.files:,}{f' + {s.failed_files:,} failed' if s.failed_files else ''}",
            *(f"{getattr(s, key):,}" for _, key in shown),
            "✔" if s.balances else "✘",
        ]
        for s in sources
    ]
    totals = [f"{sum(getattr(s, key) for s in sources):,}" for _, key in shown]
    balances = all(s.balances for s in sources)
    files = sum(s.files for s in sources)
    rows.append(["all", f"{files:,}", *totals, "✔" if balances else "✘"])
    headings = ["Source", "files", *(heading for heading, _ in shown), ""]
    size, widths = fitting_widths(paper, headings, rows, 6.8)
    columns = [
        Column(heading, width, "R" if place else "L")
        for place, (heading, width) in enumerate(zip(headings, widths, strict=True))
    ]
    draw_table(paper, columns, rows, size)
    paper.note(
        f"✔ each of the {files:,} files balances by itself, in lines and in records."
        if balances
        else "✘ lines or records of this source are lost or counted twice."
    )


def unused_chart(sources: Sequence[SourceAccount]) -> tuple[io.BytesIO, float] | None:
    """What is not used of each source, in percent; None when everything is used.

    Returns:
        The picture, 180 mm wide, and its height in millimetres.
    """
    parts = {key: [getattr(s, key) for s in sources] for key, _, _ in NOT_USED}
    if not any(sum(values) for values in parts.values()):
        return None
    height = 17 + 6.5 * len(sources)
    figure, axes = figure_of(WIDTH, height, left=34, right=30, bottom=9, top=6)
    received = [max(s.records + s.rejected, 1) for s in sources]
    places = range(len(sources))
    left = [0.0] * len(sources)
    for key, name, colour in NOT_USED:
        shares = [100 * n / of for n, of in zip(parts[key], received, strict=True)]
        if any(shares):
            axes.barh(places, shares, left=left, color=colour, label=name, height=0.62)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    most = max(left)
    for place, source in enumerate(sources):
        lost = sum(parts[key][place] for key, _, _ in NOT_USED)
        axes.text(
            left[place] + most * 0.012,
            place,
            f"{lost:,} of {source.records + source.rejected:,}",
            va="center",
            fontsize=6.5,
        )
    axes.set_xlim(0, most * 1.02)
    axes.set_yticks(list(places), [f"{s.entity} ({s.source})" for s in sources], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("not used, % of what was received", fontsize=7)
    axes.tick_params(axis="x", labelsize=6.5)
    figure.legend(loc="upper center", ncols=5, fontsize=6.5, frameon=False, borderaxespad=0.2)
    return png(figure), height


def _draw_failed_files(paper: Paper, failed: Sequence[FailedFile]) -> None:
    paper.section("Files that could not be loaded: nothing in them is used")
    draw_table(paper, FAILED_COLUMNS, _failed_rows(failed[:SHOWN_FAILED]), 7)
    if len(failed) > SHOWN_FAILED:
        paper.note(f"{number(len(failed) - SHOWN_FAILED, 'more file')} in the appendix.")
        paper.to_appendix(partial(_draw_all_failed_files, failed=failed))


def _draw_all_failed_files(paper: Paper, failed: Sequence[FailedFile]) -> None:
    paper.section("All files that could not be loaded")
    draw_table(paper, FAILED_COLUMNS, _failed_rows(failed[:MOST_FAILED]), 7)
    if len(failed) > MOST_FAILED:
        paper.note(f"{len(failed) - MOST_FAILED:,} more in report.json.")


FAILED_COLUMNS = [Column("Source", 22), Column("File, and what is wrong with it", WIDTH - 22)]


def _failed_rows(failed: Sequence[FailedFile]) -> list[list[Cell]]:
    """Two lines a file: its name, and the error below it."""
    rows = []
    for file in failed:
        rows.append(
            [
                Cell(file.entity, rowspan=2),
                Cell(file.source_file, size=8, keep_end=True, rule=False),
            ]
        )
        rows.append([Cell(file.error, size=6.5, font="mono", colour=GREY)])
    return rows


def _draw_reasons(paper: Paper, reasons: Sequence[Reason], compared: bool) -> None:
    paper.section("Why: the most frequent reasons, each with three examples as received")
    paper.note("A record with two reasons counts under both.")
    drawn = 0
    while drawn < len(reasons) and paper.room >= reason_height(reasons[drawn]):
        draw_reason(paper, reasons[drawn], compared)
        drawn += 1
    if drawn < len(reasons):
        further = reasons[drawn:]
        paper.to_appendix(partial(draw_further_reasons, reasons=further, compared=compared))


PAGE = AccountPage()
