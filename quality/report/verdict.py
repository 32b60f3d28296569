"""Page 1: one sentence, six numbers, and the five worst problems with what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from quality.report.builds import Build
from quality.report.content import (
    Account,
    Freshness,
    Number,
    Report,
    TakenBack,
    Verdict,
)
from quality.report.problems import find_problems, many_of, offence
from quality.report.reading import Reader, Row
from quality.report.words import number, share
from recomart.shop.entities import LISTS

USED = "of them used"
WORST = 5
"""Problems that page 1 shows."""


def read_stops(reader: Reader) -> list[Row]:
    """Rules or entities with more bad records than the shop allows."""
    return reader.rows(
        "select * from quality.dq_stops order by share desc, rule_id", needs="quality.dq_stops"
    )


def judge(
    account: Account,
    build: Build,
    stops: Sequence[Row],
    freshness: Sequence[Freshness],
    back: TakenBack,
    earlier: Report | None,
) -> Verdict:
    """The verdict on what was read.

    Args:
        stops: rows of quality.dq_stops.
        earlier: the report of the last run; None on a first run.
    """
    account_then = earlier.account if earlier else None
    problems = find_problems(account, build, stops, freshness, account_then)
    standing, sentence = _sentence(account, build, stops)
    return Verdict(
        standing=standing,
        sentence=sentence,
        notes=tuple(_notes(account, build, back)),
        numbers=_numbers(account, build, earlier.verdict if earlier else None),
        problems=tuple(problems[:WORST]),
        further_problems=max(len(problems) - WORST, 0),
        taken_back=back,
    )


def _sentence(
    account: Account, build: Build, stops: Sequence[Row]
) -> tuple[Literal["good", "stopped", "not judged"], str]:
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
    if not any(s.accepted for s in account.sources if s.entity not in LISTS.values()):
        return "stopped", (
            "Not usable: no rating, order line or event received is used, so there is nothing to "
            "learn from."
        )
    accepted = sum(s.accepted for s in account.sources)
    if accepted == records:
        return "good", f"Good to use: all {records:,} records received are used."
    return "good", (
        f"Good to use: {accepted:,} of {records:,} records received ({share(accepted / records)}) "
        "are used, and each of the others is accounted for."
    )


def _notes(account: Account, build: Build, back: TakenBack) -> list[str]:
    notes = []
    if build.state == "passed" and build.tests:
        ran = sum(test.status not in ("unknown", "skipped") for test in build.tests)
        warned = sum(test.status == "warn" for test in build.tests)
        passed = number(ran - warned, "check")
        if ran:
            warnings = f", {number(warned, 'warning')}" if warned else ""
            notes.append(f"{passed} of the whole warehouse passed{warnings}.")
    elif build.state != "passed":
        served = build.published_at
        notes.append(
            f"The site keeps serving what was published on {served:%Y-%m-%d at %H:%M} UTC."
            if served
            else "Nothing has been published yet, so the site serves nothing."
        )
    if build.state in ("failed", "unfinished"):
        notes.append("All figures are of the tables as that build left them.")
    if account.failed_files:
        files = number(len(account.failed_files), "file was", "files were")
        notes.append(f"{files} quarantined whole; page 2 says why.")
    if back.any:
        parts = [
            number(back.records, "record") + " from quarantine" if back.records else "",
            number(back.lines, "line") + " that could not be read" if back.lines else "",
            number(back.files, "file") + " that had been quarantined whole" if back.files else "",
        ]
        taken = ", ".join(part for part in parts if part)
        notes.append(f"Taken back since the last run: {taken}.")
    return notes


def _numbers(account: Account, build: Build, earlier: Verdict | None) -> tuple[Number, ...]:
    def total(name: str) -> int:
        return sum(getattr(source, name) for source in account.sources)

    records, judged = total("records"), total("records") - total("unjudged")
    ran = [test for test in build.tests if test.status not in ("unknown", "skipped")]
    has_tests = build.state in ("passed", "failed", "untested")
    values: list[tuple[str, float | None]] = [
        ("records received", records),
        (USED, total("accepted") / judged if judged else None),
        ("in quarantine", total("quarantined") if judged else None),
        ("lines not readable", total("rejected")),
        (
            "repeats and old versions",
            total("deduplicated") + total("superseded") if judged else None,
        ),
        (
            _checks_named(len(ran), len(build.tests)),
            build.failed if has_tests else None,
        ),
    ]
    before = [n.value for n in earlier.numbers] if earlier else [None] * len(values)
    return tuple(
        Number(
            name=name,
            value=value,
            shown=_shown(name, value),
            change=_change(name, value, then) if earlier else "",
        )
        for (name, value), then in zip(values, before, strict=True)
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
