"""Page 2, the account, and page 3, the columns that moved."""

from __future__ import annotations

from collections.abc import Sequence

from quality.report.charts import account_chart, column_chart, shown
from quality.report.content import (
    ColumnProfile,
    FailedFile,
    MovedColumn,
    Reason,
    Report,
    SourceAccount,
)
from quality.report.paper import GREY, MARGIN, WIDTH, Column, Paper
from quality.report.profiles import SAMPLED_ABOVE
from quality.report.words import counted, number, share

CHART, ROW, LOW_ROW = 55.0, 14.0, 11.5
"""Width of a small histogram, height of a row with one, and without; millimetres."""
SHOWN_FAILED = 5


def draw_account(paper: Paper, report: Report) -> int:
    """Page 2; returns how many reasons it shows (the others are for the appendix)."""
    account = report.account
    paper.add_page()
    paper.headline(
        "Where everything went",
        "Lines are header, blank, continuation (of a record that spans lines), not readable, or "
        "records; records are used, in quarantine, repeats (the same record again), old versions "
        "(a newer record replaced them), or not judged yet.",
    )
    if not account.sources:
        paper.pen(9.5)
        paper.paragraph("Nothing was received.")
        return 0
    _terms(paper, account.sources)
    if chart := account_chart(account.sources):
        picture, height = chart
        paper.image(picture, x=MARGIN, w=WIDTH, h=height)
    else:
        paper.pen(9)
        paper.paragraph("Every line and record received is used.")
    _failed_files(paper, report)
    if not account.reasons:
        return 0
    paper.section("Why: the most frequent reasons, each with three examples as received")
    paper.pen(7.5, colour=GREY)
    paper.paragraph("A record with two reasons counts under both.", space=0.8)
    drawn = 0
    for reason in account.reasons:
        if paper.room < reason_height(paper, reason) + 1:
            break
        draw_reason(paper, reason, compared=report.run.since_run is not None)
        drawn += 1
    return drawn


def _terms(paper: Paper, sources: Sequence[SourceAccount]) -> None:
    names = (
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
        ("not judged", "unjudged"),
    )
    rows = [
        (
            f"{s.entity} ({s.source})",
            f"{s.files:,}{f' + {s.failed_files:,} failed' if s.failed_files else ''}",
            *(f"{getattr(s, key):,}" for _, key in names),
            "✔" if s.balances else "✘",
        )
        for s in sources
    ]
    totals = [f"{sum(getattr(s, key) for s in sources):,}" for _, key in names]
    balances = all(s.balances for s in sources)
    held = sum(s.files for s in sources)
    rows.append(("all", f"{held:,}", *totals, "✔" if balances else "✘"))
    headings = ["Source", "files", *(heading for heading, _ in names), ""]
    size, widths = paper.widths(headings, rows, 6.8)
    columns = [
        Column(heading, width, "R" if place else "L")
        for place, (heading, width) in enumerate(zip(headings, widths, strict=True))
    ]
    paper.grid(columns, rows, size)
    paper.pen(7.5, colour=GREY)
    paper.paragraph(
        f"✔ each of the {held:,} files balances on its own, in lines and in records."
        if balances
        else "✘ lines or records of this source are lost or counted twice."
    )


def _failed_files(paper: Paper, report: Report) -> None:
    failed = report.account.failed_files
    if not failed:
        return
    paper.section("Quarantined whole: nothing of these files is used")
    for file in failed[:SHOWN_FAILED]:
        draw_failed(paper, file)
    if len(failed) > SHOWN_FAILED:
        paper.pen(7.5, colour=GREY)
        more = number(len(failed) - SHOWN_FAILED, "more file")
        paper.paragraph(f"{more} in the appendix.")


def draw_failed(paper: Paper, file: FailedFile) -> None:
    """A file that was quarantined whole, and why, on two lines."""
    paper.keep(8)
    paper.pen(8)
    paper.line_of(f"{file.entity}: {file.source_file}", WIDTH, keep_end=True)
    paper.set_x(MARGIN + 3)
    paper.pen(6.5, colour=GREY, font="mono")
    paper.line_of(file.error, WIDTH - 3)
    paper.set_x(MARGIN)
    paper.ln(0.8)


def reason_height(paper: Paper, reason: Reason) -> float:
    """Millimetres that draw_reason takes."""
    return 5.6 + 3.1 * (len(reason.examples) + (reason.rule is not None))


def draw_reason(paper: Paper, reason: Reason, compared: bool) -> None:
    """A reason, its rule, and examples; each example on one line of its own, quoted."""
    top = paper.get_y()
    paper.pen(8.5, "B")
    what = (
        counted(reason.entity, reason.count)
        if reason.kind == "quarantined"
        else f"{number(reason.count, 'line')} of {reason.entity} not readable"
    )
    paper.line_of(f"{what}: {reason.words}", 150)
    paper.set_xy(MARGIN + 150, top)
    paper.pen(7.5, colour=GREY)
    then = f" · {reason.then:,} then" if compared and reason.then is not None else ""
    paper.line_of(f"{share(reason.share)}{then}", WIDTH - 150, "R")
    paper.set_xy(MARGIN, top + 4.2)
    if reason.rule:
        paper.pen(7, "I", GREY)
        paper.line_of(f"Rule: {reason.rule}", WIDTH)
    for example in reason.examples:
        line = paper.get_y()
        paper.pen(6.5, font="mono")
        paper.set_x(MARGIN + 3)
        paper.line_of(example.text, 103)
        paper.set_xy(MARGIN + 107, line)
        paper.pen(6.5, colour=GREY, font="mono")
        paper.line_of(example.where, WIDTH - 107, keep_end=True)
        paper.set_x(MARGIN)
    paper.ln(1.2)


def draw_columns(paper: Paper, report: Report) -> list[MovedColumn]:
    """Page 3; returns the moved columns that found no room on it."""
    columns = report.columns
    compared = report.run.since_run is not None
    height = 15 + sum(_height(moved) for moved in columns.moved)
    filled = "Filled: now; outline and then: at the last run." if compared else "Filled: now."
    paper.part(
        "Columns that changed or failed",
        "All records received so far, used or not." + (f" {filled}" if columns.moved else ""),
        height,
    )
    for note in columns.notes:
        paper.pen(8.5)
        paper.paragraph(note, space=0.8)
    if not columns.moved:
        paper.pen(9.5)
        paper.paragraph(f"None of {columns.unmoved:,} columns changed, and none failed a rule.")
        return []
    ordered = sorted(columns.moved, key=_importance)
    headings = [
        Column("Column", 36),
        Column("Why it is here", 34),
        Column("Missing", 15, "R"),
        Column("Not its type", 15, "R"),
        Column("", 2),
        Column("Range", 23),
        Column("Values: share of each", CHART),
    ]
    paper.headings(headings, 8)
    for place, moved in enumerate(ordered):
        if paper.room < _height(moved) + 6:
            rest = ordered[place:]
            paper.ln(1)
            paper.pen(8, colour=GREY)
            paper.paragraph(f"{number(len(rest), 'more column')} in the appendix.")
            return rest
        _row(paper, moved)
    paper.ln(1)
    paper.pen(8, colour=GREY)
    paper.paragraph(f"{number(columns.unmoved, 'other column')} neither changed nor failed.")
    return []


def _importance(moved: MovedColumn) -> tuple[bool, float, str, str]:
    """Changes first, then by the share of records that the column costs."""
    changed = len(moved.why) > bool(moved.broken)
    return (not changed, -moved.broken / max(moved.now.rows, 1), moved.entity, moved.column)


def _row(paper: Paper, moved: MovedColumn) -> None:
    top, now, then = paper.get_y() + 0.8, moved.now, moved.then
    paper.set_xy(MARGIN, top)
    paper.pen(8.5, "B")
    paper.line_of(moved.column, 36)
    paper.pen(7, colour=GREY)
    paper.line_of(f"of {moved.entity}, a {now.kind}", 36)
    about = "" if now.rows <= SAMPLED_ABOVE else "about "
    paper.line_of(f"{about}{now.distinct:,} different", 36)
    paper.set_xy(MARGIN + 36, top)
    paper.pen(7)
    for line in _wrapped(paper, moved.why, 33):
        paper.set_x(MARGIN + 36)
        paper.line_of(line, 33.5)
    for x, name in ((70, "missing_share"), (85, "unreadable_share")):
        if name == "unreadable_share" and now.kind in ("text", "category"):
            continue
        paper.set_xy(MARGIN + x, top)
        paper.pen(7.5)
        paper.line_of(share(getattr(now, name)), 13.5, "R")
        if then and share(getattr(then, name)) != share(getattr(now, name)):
            paper.pen(6.5, colour=GREY)
            paper.line_of(f"then {share(getattr(then, name))}", 13.5, "R")
    paper.set_xy(MARGIN + 102, top)
    paper.pen(7.5)
    for line in ends(now):
        paper.line_of(line, 24)
    if then and (then.low, then.high) != (now.low, now.high):
        paper.pen(7, colour=GREY)
        paper.line_of("then " + " to ".join(ends(then, short=True)), 24)
    if picture := column_chart(moved, CHART, ROW - 2):
        paper.image(picture, x=MARGIN + 125, y=top, w=CHART, h=ROW - 2)
    paper.set_xy(MARGIN, top + _height(moved) - 0.8)
    paper.rule()


def _height(moved: MovedColumn) -> float:
    return ROW if moved.now.histogram else LOW_ROW


def _wrapped(paper: Paper, texts: Sequence[str], width: float, most: int = 3) -> list[str]:
    lines = [line for text in texts for line in paper.split(text, width)]
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1] + " …"]


def ends(profile: ColumnProfile, short: bool = False) -> list[str]:
    """Lowest and highest value of a profile, for one line or two."""
    if profile.low is None:
        return ["–"] if short else [""]
    low, high = shown(profile.low, profile.kind), shown(profile.high, profile.kind)
    if low == high:
        return [low]
    return [low, high] if short else [f"{low} to", high]
