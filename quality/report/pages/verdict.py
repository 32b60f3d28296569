"""The verdict: one sentence, six numbers, and the worst problems with what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from quality.report.content import Content
from quality.report.dbt_build import Build
from quality.report.facts_used import FactsUsed, facts_used, worst
from quality.report.inputs import Inputs
from quality.report.numbers import Number, draw_numbers, read_numbers
from quality.report.pages import account as account_page
from quality.report.pages import appendix as appendix_page
from quality.report.pages import trust as trust_page
from quality.report.pages.account import Account
from quality.report.pages.trust import Freshness
from quality.report.paper import GREY, MARGIN, WHITE, WIDTH, Colour, Paper
from quality.report.paper_table import Cell, Column, draw_table
from quality.report.problems import Problem, find_problems, many_of, offence
from quality.report.recovered import TakenBack, draw_taken_back, taken_back
from quality.report.report import Report
from quality.report.tables import Row, Tables
from quality.report.words import joined, moment, number, share
from recomart.shop.verdict import DEFAULT, VerdictLimits

WORST = 5
"""Problems that the page shows."""
Standing = Literal["good", "fair", "poor", "stopped", "not judged"]
COLOURS: dict[Standing, Literal["green", "amber", "red"]] = {
    "good": "green",
    "fair": "amber",
    "poor": "red",
    "stopped": "red",
    "not judged": "amber",
}
INKS: dict[str, Colour] = {"green": (27, 110, 66), "amber": (138, 92, 0), "red": (170, 38, 30)}
BEGINS = {"good": "Good to use", "fair": "Use with care", "poor": "Not good to use"}


class Verdict(Content):
    """What the page says."""

    standing: Standing
    sentence: str
    facts: tuple[FactsUsed, ...] = ()
    notes: tuple[str, ...]
    numbers: tuple[Number, ...]
    problems: tuple[Problem, ...]
    further_problems: int
    taken_back: TakenBack

    @property
    def colour(self) -> Literal["green", "amber", "red"]:
        """What the standing looks like."""
        return COLOURS[self.standing]


class VerdictPage:
    """The first page."""

    name = "verdict"
    order = 10
    content = Verdict

    def read(self, inputs: Inputs) -> Verdict:
        """Judge what the other pages say."""
        earlier = inputs.earlier_content(self)
        batches_then = inputs.earlier_content(appendix_page.PAGE)
        return judge(
            inputs.content(account_page.PAGE),
            inputs.build,
            read_stops(inputs.tables),
            inputs.content(trust_page.PAGE).freshness,
            taken_back(inputs.batches, batches_then.batches if batches_then else ()),
            inputs.earlier_content(account_page.PAGE),
            earlier.numbers if earlier else None,
            limits=read_limits(inputs),
        )

    def draw(self, paper: Paper, report: Report) -> None:
        """One sentence, six numbers, the worst problems."""
        run, verdict = report.run, report.of(self)
        paper.add_page()
        paper.pen(8.5, colour=GREY)
        paper.line_of("Data quality report", WIDTH)
        paper.pen(16, "B")
        for line in paper.split(run.title, WIDTH)[:2]:
            paper.line_of(line, WIDTH)
        paper.pen(8.5, colour=GREY)
        clock = f" · the shop's clock is at {moment(run.as_of)}" if run.as_of else ""
        written = f"written {moment(run.written_at)}"
        paper.paragraph(f"Shop {run.shop} · run {run.run_id} · {written}{clock}. {run.since}")
        _draw_banner(paper, verdict)
        for note in verdict.notes:
            paper.pen(9)
            paper.paragraph(f"· {note}", space=0.6)
        paper.ln(2)
        draw_numbers(paper, verdict.numbers)
        paper.section("The worst problems, and what each costs")
        if verdict.problems:
            _draw_problems(paper, verdict.problems, report.is_compared)
            paper.pen(8, colour=GREY)
            paper.paragraph(_how_ordered(verdict.further_problems))
        else:
            paper.pen(9.5)
            paper.paragraph("No problems: every line was read, and every record passed every rule.")
        if verdict.taken_back.any:
            draw_taken_back(paper, verdict.taken_back)


def read_stops(tables: Tables) -> list[Row]:
    """Rules or entities with more bad records than the shop allows."""
    return tables.rows(
        "select * from quality.dq_stops order by share desc, rule_id", needs="quality.dq_stops"
    )


def read_limits(inputs: Inputs) -> VerdictLimits:
    """The shares that the shop file declares, or the defaults."""
    declared = {name: inputs.shop_value(name) for name in VerdictLimits.model_fields}
    return VerdictLimits.model_validate({k: v for k, v in declared.items() if v is not None})


def judge(
    account: Account,
    build: Build,
    stops: Sequence[Row],
    freshness: Sequence[Freshness],
    back: TakenBack,
    account_then: Account | None = None,
    numbers_then: Sequence[Number] | None = None,
    limits: VerdictLimits = DEFAULT,
) -> Verdict:
    """The verdict on what was read.

    Args:
        stops: rows of quality.dq_stops.
        account_then, numbers_then: of the last run; None on a first run.
    """
    problems = find_problems(account, build, stops, freshness, account_then)
    facts = facts_used(account.sources, limits)
    standing, sentence = _sentence(account, facts, build, stops)
    return Verdict(
        standing=standing,
        sentence=sentence,
        facts=facts,
        notes=tuple(_notes(account, build, back)),
        numbers=read_numbers(account, facts, build, numbers_then),
        problems=tuple(problems[:WORST]),
        further_problems=max(len(problems) - WORST, 0),
        taken_back=back,
    )


def _sentence(
    account: Account, facts: Sequence[FactsUsed], build: Build, stops: Sequence[Row]
) -> tuple[Standing, str]:
    records = sum(s.records for s in account.sources)
    unjudged = sum(s.unjudged for s in account.sources)
    if stops:
        first = stops[0]
        more = f", and {number(len(stops) - 1, 'more limit')} exceeded" if stops[1:] else ""
        return "stopped", (
            f"Stopped: {share(first['share'])} of the {many_of(first['entity'])} {offence(first)}, "
            f"and the shop allows {share(first['stop_above'])}{more}; nothing new was published."
        )
    if build.state == "failed":
        return "stopped", (
            f"Stopped: {number(build.failed, 'check or table', 'checks or tables')} of the last "
            "build failed; nothing new was published."
        )
    if build.state == "unfinished":
        return "stopped", "Stopped: the last build was cut off; nothing new was published."
    if not all(source.balances for source in account.sources):
        return "stopped", "Stopped: not every line and record received is accounted for."
    if build.state == "never":
        return "not judged", (
            f"Not judged yet: {number(records, 'record')} were received, and no rule has been "
            "applied to them."
        )
    if build.state == "untested":
        return "not judged", (
            "Not judged yet: the last build changed tables without testing all of them."
        )
    if unjudged:
        return "not judged", (
            f"Not judged yet: {number(unjudged, 'record')} arrived after the last build."
        )
    if not records:
        return "not judged", "Not judged: no record was received."
    if not any(one.used for one in facts):
        return "stopped", (
            "Not usable: no rating, order line or event received is used, so there is nothing to "
            "learn from."
        )
    standing = worst(facts)
    return standing, f"{BEGINS[standing]}: {_used(facts, standing)}."


def _used(facts: Sequence[FactsUsed], standing: str) -> str:
    """What is used of each entity; of the worst ones alone, where not all are good."""
    shown = [one for one in facts if one.standing == standing]
    if standing == "good" and all(one.used == one.facts for one in shown):
        listed = [f"{one.used:,} {many_of(one.entity)}" for one in shown]
        return f"all {joined(listed)} received are used"
    listed = [
        f"{share(one.share)} of {one.facts:,} {many_of(one.entity)}" for one in shown if one.facts
    ]
    only = "only " if any(one.used < one.facts for one in shown) and standing != "good" else ""
    said = f"{only}{joined(listed)} are used" if listed else ""
    if failed := sum(one.failed_files for one in shown):
        files = f"{number(failed, 'file')} could not be loaded"
        said = f"{said}, and {files}" if said else files
    return said if standing != "good" else f"{said}, and each of the others is accounted for"


def _notes(account: Account, build: Build, back: TakenBack) -> list[str]:
    notes = []
    if build.state == "passed" and build.tests:
        ran = sum(test.status not in ("unknown", "skipped") for test in build.tests)
        warned = sum(test.status == "warn" for test in build.tests)
        passed = number(
            ran - warned, "check of the whole warehouse", "checks of the whole warehouse"
        )
        if ran:
            warnings = f", {number(warned, 'warning')}" if warned else ""
            notes.append(f"{passed} passed{warnings}.")
    elif build.state != "passed":
        served = build.published_at
        notes.append(
            f"The site keeps serving what was published on {served:%Y-%m-%d at %H:%M} UTC."
            if served
            else "Nothing has been published yet, so the site serves nothing."
        )
    if build.state in ("failed", "unfinished"):
        notes.append("All figures describe the tables as that build left them.")
    if account.failed_files:
        files = number(len(account.failed_files), "file")
        notes.append(f'{files} could not be loaded; "{account_page.TITLE}" says why.')
    if back.any:
        parts = [
            number(back.records, "record") + " from quarantine" if back.records else "",
            number(back.lines, "line") + " that could not be read before" if back.lines else "",
            number(back.files, "file") + " that could not be loaded before" if back.files else "",
        ]
        taken = ", ".join(part for part in parts if part)
        notes.append(f"Recovered since the last run: {taken}.")
    return notes


def _draw_banner(paper: Paper, verdict: Verdict) -> None:
    paper.pen(12.5, "B", WHITE)
    lines = paper.split(verdict.sentence, WIDTH - 12)
    height = 12 + len(lines) * paper.leading
    top = paper.get_y() + 2
    with paper.local_context(fill_color=INKS[verdict.colour]):
        paper.rect(MARGIN, top, WIDTH, height, style="F")
    paper.set_xy(MARGIN + 6, top + 3)
    paper.pen(8, "B", WHITE)
    paper.line_of("VERDICT", WIDTH - 12)
    paper.pen(12.5, "B", WHITE)
    paper.set_xy(MARGIN + 6, top + 7.5)
    paper.paragraph(verdict.sentence, WIDTH - 12)
    paper.set_xy(MARGIN, top + height + 3)


def _draw_problems(paper: Paper, problems: tuple[Problem, ...], compared: bool) -> None:
    columns = [
        Column("", 7),
        Column("What", 83, wrap=True),
        Column("What it costs", 62, wrap=True),
        Column("Share", 14, "R"),
        Column("Then" if compared else "", 14, "R"),
    ]
    rows: list[list[str | Cell]] = []
    for place, problem in enumerate(problems, start=1):
        then = "" if not compared else "–" if problem.then is None else f"{problem.then:,}"
        lost = "–" if problem.share is None else share(problem.share)
        costs = f"{problem.cost[:1].upper()}{problem.cost[1:]}."
        texts = [f"{place}.", problem.what, costs, lost, then]
        if problem.said is None:
            rows.append([Cell(text) for text in texts])
        else:  # the number spans both lines, so that no page break comes between them
            first, *others = texts
            rows.append([Cell(first, rowspan=2), *(Cell(text, rule=False) for text in others)])
            said = Cell(
                problem.said, size=6.5, font="mono", colour=GREY, colspan=4, width=WIDTH - 7
            )
            rows.append([said])
    draw_table(paper, columns, rows, 9)


def _how_ordered(further: int) -> str:
    order = (
        "In this order: what stops publishing, then whole files and sources, then losses by the "
        "share of their source."
    )
    if not further:
        return order
    more = number(further, "smaller problem is", "smaller problems are")
    return f'{order} {more} not shown; "{account_page.TITLE}" and the appendix list every reason.'


PAGE = VerdictPage()
