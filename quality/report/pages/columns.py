"""The columns that changed since the last run, or failed a rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from quality.report.column_chart import column_chart, shown
from quality.report.content import Content
from quality.report.inputs import Inputs
from quality.report.movement import changes
from quality.report.pages import account, appendix
from quality.report.paper import GREY, Paper
from quality.report.paper_table import ABOVE, ASIDE, BELOW, Cell, Column, draw_table, row_height
from quality.report.profiles import SAMPLED_ABOVE, ColumnProfile, read_profiles
from quality.report.reasons import Reason
from quality.report.report import Report
from quality.report.words import counted, number, share

SIZE = 7.0
"""Points of the table's text."""
CHART_WIDTH, CHART_HEIGHT = 42.0, 13.0
"""Millimetres of a small histogram's cell."""
WHY_WIDTH, WHY_LINES = 32.0, 3
"""Millimetres of the column "Why it is here", and the most lines of it."""


class MovedColumn(Content):
    """A column in which something changed since the last run, or failed."""

    entity: str
    column: str
    why: tuple[str, ...]
    broken: int
    then: ColumnProfile | None
    now: ColumnProfile


class Columns(Content):
    """What the page says."""

    moved: tuple[MovedColumn, ...]
    unmoved: int
    notes: tuple[str, ...]
    profiles: tuple[ColumnProfile, ...]


class ColumnsPage:
    """The third page."""

    name = "columns"
    order = 30
    content = Columns

    def read(self, inputs: Inputs) -> Columns:
        """Profile every column, and compare it with the last run."""
        earlier = inputs.earlier_content(self)
        before = earlier.profiles if earlier else None
        batches_then = inputs.earlier_content(appendix.PAGE)
        known = max((b.batch_id for b in batches_then.batches), default="") if batches_then else ""
        profiles = read_profiles(inputs.tables, before or (), known, inputs.progress)
        return moved_columns(profiles, before, inputs.content(account.PAGE).reasons)

    def draw(self, paper: Paper, report: Report) -> None:
        """As many columns as there is room for; the rest is left to the appendix."""
        columns, compared = report.of(self), report.is_compared
        bars = "Bars: now; outline: at the last run." if compared else "Bars: now."
        ordered = sorted(columns.moved, key=_importance)
        rows = [_row(paper, moved) for moved in ordered]
        heights = [row_height(paper, HEADINGS, row, SIZE) for row in rows]
        paper.part(
            "Columns that changed or failed",
            "All records received so far, used or not." + (f" {bars}" if rows else ""),
            15 + sum(heights),
        )
        for note in columns.notes:
            paper.pen(8.5)
            paper.paragraph(note, space=0.8)
        if not columns.moved:
            paper.pen(9.5)
            paper.paragraph(f"None of {columns.unmoved:,} columns changed, and none failed a rule.")
            return
        drawn, room = 0, paper.room - 18  # headings above, and a note below
        while drawn < len(rows) and room >= heights[drawn]:
            room -= heights[drawn]
            drawn += 1
        draw_table(paper, HEADINGS, rows[:drawn], SIZE)
        if further := ordered[drawn:]:
            paper.note(f"{number(len(further), 'more column')} in the appendix.")
            paper.to_appendix(partial(_draw_further, columns=further))
        else:
            paper.note(f"{number(columns.unmoved, 'other column')} neither changed nor failed.")


HEADINGS = [
    Column("Column", 24),
    Column("", 32, wrap=True),
    Column("Why it is here", WHY_WIDTH, wrap=True),
    Column("Missing", 15, "R", wrap=True),
    Column("Wrong type", 15, "R", wrap=True),
    Column("Range", 20, wrap=True),
    Column("Values: share of each", CHART_WIDTH),
]


def moved_columns(
    profiles: Sequence[ColumnProfile],
    earlier: Iterable[ColumnProfile] | None,
    reasons: Iterable[Reason],
) -> Columns:
    """Compare the profiles with those of the last run.

    Args:
        earlier: None when there was no run before.
        reasons: why records are in quarantine, for the columns that failed.
    """
    then = {(p.entity, p.column): p for p in earlier or ()}
    broken: dict[tuple[str, str], int] = {}
    for reason in reasons:
        if reason.kind == "quarantined" and reason.column:
            key = (reason.entity, reason.column)
            broken[key] = broken.get(key, 0) + reason.count
    moved = []
    for profile in profiles:
        key = (profile.entity, profile.column)
        before, breaks = then.get(key), broken.get(key, 0)
        why = [f"{counted(profile.entity, breaks)} in quarantine because of it"] if breaks else []
        if before is not None:
            why += changes(before, profile)
        elif earlier is not None and profile.missing < profile.rows:
            why.append("new since the last run")
        if why:
            moved.append(
                MovedColumn(
                    entity=profile.entity,
                    column=profile.column,
                    why=tuple(why),
                    broken=breaks,
                    then=before,
                    now=profile,
                )
            )
    return Columns(
        moved=tuple(moved),
        unmoved=len(profiles) - len(moved),
        notes=tuple(_notes(profiles, is_first=earlier is None)),
        profiles=tuple(profiles),
    )


def _notes(profiles: Sequence[ColumnProfile], *, is_first: bool) -> list[str]:
    notes = []
    if is_first:
        notes.append(
            "This is the first report of this lake: there is no earlier one to compare with, "
            "so only columns with failures are shown."
        )
    sampled = [p for p in profiles if p.histogram and p.histogram.sampled_from]
    for entity in dict.fromkeys(p.entity for p in sampled):
        rows = next(p.rows for p in sampled if p.entity == entity)
        notes.append(
            f"Histograms of {entity} are of a sample: about a million of {rows:,} rows, chosen by "
            "a hash. All other figures are of all rows."
        )
    return notes


def _importance(moved: MovedColumn) -> tuple[bool, float, str, str]:
    """Changes first, then by the share of records that the column costs."""
    changed = len(moved.why) > bool(moved.broken)
    return (not changed, -moved.broken / max(moved.now.rows, 1), moved.entity, moved.column)


def _row(paper: Paper, moved: MovedColumn) -> list[str | Cell]:
    now, then = moved.now, moved.then
    about = "" if now.rows <= SAMPLED_ABOVE else "about "
    typed = now.kind not in ("text", "category")
    before = then.unreadable_share if then else None
    chart = column_chart(now, then, CHART_WIDTH - ASIDE, CHART_HEIGHT - ABOVE - BELOW)
    return [
        Cell(moved.column, size=8, style="B"),
        Cell(f"of {moved.entity}, a {now.kind}\n{about}{now.distinct:,} different", colour=GREY),
        "\n".join(_wrapped(paper, moved.why)),
        _then(now.missing_share, then.missing_share if then else None),
        _then(now.unreadable_share, before) if typed else "",
        _range(now, then),
        Cell(image=chart, height=CHART_HEIGHT if chart else 0.0),
    ]


def _then(now: float, before: float | None) -> str:
    """A share, and below it what it was at the last run if that reads differently."""
    if before is None or share(before) == share(now):
        return share(now)
    return f"{share(now)}\nthen {share(before)}"


def _range(now: ColumnProfile, then: ColumnProfile | None) -> str:
    lines = ends(now)
    if then and (then.low, then.high) != (now.low, now.high):
        lines.append("then " + " to ".join(ends(then, short=True)))
    return "\n".join(lines)


def _wrapped(paper: Paper, texts: Sequence[str]) -> list[str]:
    paper.pen(SIZE)
    lines = [line for text in texts for line in paper.split(text, WHY_WIDTH - ASIDE - 0.2)]
    if len(lines) <= WHY_LINES:
        return lines
    return [
        *lines[: WHY_LINES - 1],
        paper.fitted(lines[WHY_LINES - 1] + " …", WHY_WIDTH - ASIDE - 0.2),
    ]


def ends(profile: ColumnProfile, short: bool = False) -> list[str]:
    """Lowest and highest value of a profile, for one line or two."""
    if profile.low is None:
        return ["–"] if short else [""]
    low, high = shown(profile.low, profile.kind), shown(profile.high, profile.kind)
    if low == high:
        return [low]
    return [low, high] if short else [f"{low} to", high]


def _draw_further(paper: Paper, columns: Sequence[MovedColumn]) -> None:
    """A section of the appendix with the columns that the page had no room for."""
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
    draw_table(paper, headings, rows, 7)


PAGE = ColumnsPage()
