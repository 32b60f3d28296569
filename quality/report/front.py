"""Page 1, the verdict, and page 4, trust."""

from __future__ import annotations

from datetime import datetime

from quality.report.charts import activity_chart
from quality.report.content import Number, Problem, Report
from quality.report.paper import GREY, INK, MARGIN, WHITE, WIDTH, Colour, Column, Paper
from quality.report.words import number, share

MOST_FLAGS = 16
STANDING: dict[str, Colour] = {
    "good": (27, 110, 66),
    "stopped": (170, 38, 30),
    "not judged": (138, 92, 0),
}


def draw_verdict(paper: Paper, report: Report) -> None:
    """Page 1: one sentence, six numbers, the worst problems."""
    run, verdict = report.run, report.verdict
    paper.add_page()
    paper.pen(8.5, colour=GREY)
    paper.line_of("Data quality report", WIDTH)
    paper.pen(16, "B")
    for line in paper.split(run.title, WIDTH)[:2]:
        paper.line_of(line, WIDTH)
    paper.pen(8.5, colour=GREY)
    clock = f" · the shop's clock stands at {moment(run.as_of)}" if run.as_of else ""
    paper.paragraph(
        f"Shop {run.shop} · run {run.run_id} · written {moment(run.written_at)}{clock}. {run.since}"
    )
    _banner(paper, report)
    for note in verdict.notes:
        paper.pen(9)
        paper.paragraph(f"· {note}", space=0.6)
    paper.ln(2)
    _tiles(paper, verdict.numbers)
    paper.section("The worst problems, and what each costs")
    if verdict.problems:
        _problems(paper, verdict.problems, bool(run.since_run))
        paper.pen(8, colour=GREY)
        more = (
            f" {number(verdict.further_problems, 'lesser problem')} beside; page 2 and the appendix have every reason."
            if verdict.further_problems
            else ""
        )
        paper.paragraph(
            "First what stops publishing, then files and sources as a whole, then losses by the "
            f"share of their source.{more}"
        )
    else:
        paper.pen(9.5)
        paper.paragraph("None: every line was read, and every record kept every rule.")
    _taken_back(paper, report)


def _banner(paper: Paper, report: Report) -> None:
    paper.pen(12.5, "B", WHITE)
    lines = paper.split(report.verdict.sentence, WIDTH - 12)
    height = 12 + len(lines) * paper.leading
    top = paper.get_y() + 2
    paper.set_fill_color(*STANDING[report.verdict.standing])
    paper.rect(MARGIN, top, WIDTH, height, style="F")
    paper.set_xy(MARGIN + 6, top + 3)
    paper.pen(8, "B", WHITE)
    paper.line_of("VERDICT", WIDTH - 12)
    paper.pen(12.5, "B", WHITE)
    paper.set_xy(MARGIN + 6, top + 7.5)
    paper.paragraph(report.verdict.sentence, WIDTH - 12)
    paper.set_xy(MARGIN, top + height + 3)


def _tiles(paper: Paper, numbers: tuple[Number, ...]) -> None:
    width, height = WIDTH / 3, 19.0
    for row in (numbers[:3], numbers[3:]):
        top = paper.get_y()
        paper.rule()
        for place, tile in enumerate(row):
            x = MARGIN + place * width
            paper.set_xy(x, top + 2)
            paper.pen(17, "B")
            paper.line_of(tile.shown, width - 3)
            paper.pen(8.5, colour=INK)
            paper.line_of(tile.name, width - 3)
            paper.pen(7.5, colour=GREY)
            paper.line_of(_change(tile), width - 3)
        paper.set_xy(MARGIN, top + height)
    paper.rule()


def _change(number: Number) -> str:
    if not number.change:
        return "first report"
    return f"{number.change} since the last run"


def _problems(paper: Paper, problems: tuple[Problem, ...], compared: bool) -> None:
    widths = (7.0, 83.0, 62.0, 14.0, 14.0)
    headings = ("", "What", "What it costs", "Share", "Then" if compared else "")
    columns = [
        Column(heading, width, "R" if place > 2 else "L")
        for place, (heading, width) in enumerate(zip(headings, widths, strict=True))
    ]
    paper.headings(columns, 8)
    for place, problem in enumerate(problems, start=1):
        paper.pen(9)
        what = paper.split(problem.what, widths[1] - 2)
        cost = paper.split(f"{problem.cost[:1].upper()}{problem.cost[1:]}.", widths[2] - 2)
        count = max(len(what), len(cost)) + (problem.said is not None)
        height = count * paper.leading + 2.2
        below = max(len(what), len(cost)) * paper.leading
        paper.keep(height)
        top, x = paper.get_y() + 1, MARGIN
        then = "" if not compared else "–" if problem.then is None else f"{problem.then:,}"
        lost = "–" if problem.share is None else share(problem.share)
        for width, lines, align in zip(
            widths, ([f"{place}."], what, cost, [lost], [then]), "LLLRR", strict=True
        ):
            paper.set_xy(x, top)
            for line in lines:
                paper.line_of(line, width - 1.5, "R" if align == "R" else "L")
            x += width
        if problem.said is not None:
            paper.set_xy(MARGIN + widths[0], top + below + 0.4)
            paper.pen(6.5, colour=GREY, font="mono")
            paper.line_of(problem.said, WIDTH - widths[0])
        paper.set_xy(MARGIN, top + height - 1)
        paper.rule()
    paper.ln(1.5)


def _taken_back(paper: Paper, report: Report) -> None:
    back = report.verdict.taken_back
    if not back.any:
        return
    paper.section("Taken back since the last run", room=35)
    paper.pen(8.5)
    paper.paragraph(
        "These were set aside then and are used now, because a rule or a format was mended."
    )
    columns = [
        Column("Source", 24),
        Column("File", 96, font="mono", keep_end=True),
        Column("records", 28, "R"),
        Column("lines", 28, "R"),
    ]
    most = sorted(back.batches, key=lambda b: (-b.records - b.lines, b.batch_id))
    shown = most[:5]
    rows = [(b.entity, b.source_file, f"{b.records:,}", f"{b.lines:,}") for b in shown]
    if len(most) > len(shown):
        records = sum(b.records for b in most[len(shown) :])
        lines = sum(b.lines for b in most[len(shown) :])
        rows.append(("others", f"{len(most) - len(shown):,} files", f"{records:,}", f"{lines:,}"))
    if rows:
        paper.grid(columns, rows, 7.5)


def draw_trust(paper: Paper, report: Report) -> None:
    """Page 4: freshness, the user-item matrix, rules that flagged."""
    trust = report.trust
    paper.part(
        "How far the data can be trusted",
        "How fresh it is, how much of it speaks of each user and product, and what looks odd.",
        115 + 6 * len(trust.freshness) + 8 * min(len(trust.flags), MOST_FLAGS),
    )
    paper.section("Freshness, by the shop's clock")
    columns = [
        Column("Source", 48),
        Column("Newest record used, UTC", 48),
        Column("Behind the clock", 40, "R"),
        Column("Last load, UTC", 44, "R"),
    ]
    paper.grid(
        columns,
        [
            (
                f"{fresh.entity} ({fresh.source})",
                moment(fresh.newest) if fresh.newest else "no time given",
                _behind(fresh.days_behind),
                moment(fresh.last_load) if fresh.last_load else "never",
            )
            for fresh in trust.freshness
        ],
    )
    if matrix := trust.matrix:
        paper.section("Who is known, and what")
        paper.pen(9)
        paper.paragraph(
            f"{matrix.users:,} users and {matrix.products:,} products met in {matrix.pairs:,} of "
            f"{matrix.users * matrix.products:,} possible pairs: {filled(matrix.filled)} of the "
            "user-item matrix is filled. Cold (orange): fewer than five interactions, "
            "impressions not counted; for them recommendations rest on what is popular."
        )
        picture, height = activity_chart(matrix)
        paper.keep(height)
        paper.image(picture, x=MARGIN, w=WIDTH)
        paper.ln(1)
    paper.section("Rules that flagged: unusual, and kept")
    if trust.flags:
        columns = [
            Column("Source", 23),
            Column("Rule", 60, wrap=True),
            Column("Flagged", 16, "R"),
            Column("Share", 12, "R"),
            Column("Then", 14, "R"),
            Column("", 3),
            Column("For example", 52, font="mono"),
        ]
        rows = [
            (
                flag.entity,
                flag.words,
                f"{flag.count:,}",
                share(flag.share) if flag.share is not None else "–",
                "–" if flag.then is None else f"{flag.then:,}",
                "",
                ", ".join(example.text for example in flag.examples),
            )
            for flag in trust.flags[:MOST_FLAGS]
        ]
        paper.grid(columns, rows, 7.5)
    elif not any("soft rules" in note for note in trust.notes):
        paper.pen(9)
        paper.paragraph("None: no value lies outside its usual bounds.")
    for note in trust.notes:
        paper.pen(8.5, colour=GREY)
        paper.paragraph(note, space=0.5)


def moment(time: datetime) -> str:
    """A time, UTC, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def filled(value: float) -> str:
    """A share of a matrix, to three digits."""
    return f"{100 * value:.3g}%"


def _behind(days: float | None) -> str:
    if days is None:
        return "–"
    if days < 1 / 24:
        return "less than an hour"
    return f"{24 * days:.0f} hours" if days < 2 else f"{days:,.0f} days"
