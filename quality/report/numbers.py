"""The six numbers of the verdict, each with its change since the last run."""

from __future__ import annotations

from collections.abc import Sequence

from quality.report.content import Content
from quality.report.dbt_build import Build
from quality.report.facts_used import FactsUsed
from quality.report.pages.account import Account
from quality.report.paper import GREY, INK, MARGIN, WIDTH, Paper
from quality.report.words import share

USED = "of the facts used"


class Number(Content):
    """One of the six numbers, as a value and as it is shown."""

    name: str
    value: float | None
    shown: str
    change: str
    """Since the last run, as shown: '+12', 'no change', or '' on a first run."""


def read_numbers(
    account: Account, facts: Sequence[FactsUsed], build: Build, then: Sequence[Number] | None
) -> tuple[Number, ...]:
    """The numbers of this run.

    Args:
        then: those of the last run; None on a first run.
    """

    def total(name: str) -> int:
        return sum(getattr(source, name) for source in account.sources)

    records, judged = total("records"), total("records") - total("unjudged")
    all_facts = sum(one.facts for one in facts)
    ran = [test for test in build.tests if test.status not in ("unknown", "skipped")]
    has_tests = build.state in ("passed", "failed", "untested")
    values: list[tuple[str, float | None]] = [
        ("records received", records),
        (USED, sum(one.used for one in facts) / all_facts if all_facts and judged else None),
        ("in quarantine", total("quarantined") if judged else None),
        ("unreadable lines", total("rejected")),
        (
            "repeats and old versions",
            total("deduplicated") + total("superseded") if judged else None,
        ),
        (
            _checks_named(len(ran), len(build.tests)),
            build.failed if has_tests else None,
        ),
    ]
    before = [n.value for n in then] if then is not None else [None] * len(values)
    return tuple(
        Number(
            name=name,
            value=value,
            shown=_shown(name, value),
            change=_change(name, value, value_then) if then is not None else "",
        )
        for (name, value), value_then in zip(values, before, strict=True)
    )


def _checks_named(ran: int, tests: int) -> str:
    if not ran:
        return "checks failed"
    if ran == tests:
        return f"checks failed, of {tests:,}"
    return f"checks failed; {tests - ran:,} of {tests:,} not run"


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return share(value) if name == USED else f"{int(value):,}"


def _change(name: str, value: float | None, then: float | None) -> str:
    if value is None or then is None:
        return "not comparable"
    if value == then:
        return "no change"
    points, count = f"{100 * (value - then):+.2f} points", f"{int(value - then):+,}"
    return (points if name == USED else count).replace("-", "−")


def draw_numbers(paper: Paper, numbers: tuple[Number, ...]) -> None:
    """Two rows of three tiles."""
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
            paper.line_of(_since_last_run(tile), width - 3)
        paper.set_xy(MARGIN, top + height)
    paper.rule()


def _since_last_run(number: Number) -> str:
    if not number.change:
        return "first report"
    return f"{number.change} since the last run"
