"""Page 1: one sentence, six numbers, and the five worst problems with what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from quality.report.builds import Build
from quality.report.content import (
    Account,
    Freshness,
    Number,
    Problem,
    Report,
    SourceAccount,
    TakenBack,
    Verdict,
)
from quality.report.quoting import plain
from quality.report.reading import Reader, Row
from quality.report.words import RECORD, cost, cost_of_lines, counted, number, share

USED = "of them used"
WORST, NAMED = 5, 3
"""Problems that page 1 shows, and reasons that a problem names."""
Loss = Literal["quarantined", "rejected"]
STALE_DAYS = 7.0
"""A source whose newest fact lies this far behind the shop's clock is a problem."""


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
    problems = [
        *_stops(stops, build),
        *_failed_checks(build, stops),
        *_unaccounted(account.sources),
        *_failed_files(account),
        *_unjudged(account.sources, build),
        *_stale(freshness),
        *_losses(account, earlier.account if earlier else None),
    ]
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
            f"Stopped: {share(first['share'])} of the {_many(first['entity'])} {_offence(first)}, "
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


def _many(entity: str) -> str:
    return RECORD.get(entity, (entity, entity))[1]


def _stops(stops: Sequence[Row], build: Build) -> list[Problem]:
    return [
        Problem(
            kind="stop",
            entity=row["entity"],
            code=plain(row["rule_id"] or row["entity"], 120),
            what=f"{share(row['share'])} of the {_many(row['entity'])} {_offence(row)}, "
            f"{share(row['stop_above'])} are allowed: {plain(row['words'])}",
            cost=_still_served(build.published_at),
            count=None,
            share=row["share"],
            then=None,
        )
        for row in stops
    ]


def _offence(stop: Row) -> str:
    return "are in quarantine" if stop["rule_id"] == stop["entity"] else "break a rule"


def _still_served(published_at: datetime | None) -> str:
    if published_at is None:
        return "nothing is published"
    return f"the site keeps what was published on {published_at:%Y-%m-%d}"


def _failed_checks(build: Build, stops: Sequence[Row]) -> list[Problem]:
    """Failed tests and models; the test of the stops is left out where the stops are named."""
    told = "no_rule_is_broken_more_often_than_the_shop_allows" if stops else ""
    return [
        Problem(
            kind="check",
            entity=None,
            code=failure.name,
            what=f"Check failed: {failure.words}",
            said=f"dbt: {failure.said}",
            cost=_still_served(build.published_at),
            count=None,
            share=None,
            then=None,
        )
        for failure in build.failures
        if failure.name != told
    ]


def _unaccounted(sources: Sequence[SourceAccount]) -> list[Problem]:
    return [
        Problem(
            kind="check",
            entity=source.entity,
            code="unaccounted",
            what=f"The account of the {_many(source.entity)} does not balance.",
            cost="lines or records are lost or counted twice",
            count=None,
            share=None,
            then=None,
        )
        for source in sources
        if not source.balances
    ]


def _failed_files(account: Account) -> list[Problem]:
    files: dict[str, list[str]] = {}
    for file in account.failed_files:
        files.setdefault(file.entity, []).append(file.source_file)
    return [
        Problem(
            kind="file",
            entity=entity,
            code="quarantined_whole",
            what=f"{number(len(names), 'file')} of {_many(entity)} quarantined whole",
            said=quoted_list(names),
            cost=f"none of the {_many(entity)} in {'it' if len(names) == 1 else 'them'} are used",
            count=len(names),
            share=None,
            then=None,
        )
        for entity, names in files.items()
    ]


def quoted_list(names: Sequence[str], shown: int = 2) -> str:
    """The first names, cut, and how many more; the names are quoted already."""
    listed = ", ".join(name if len(name) <= 60 else f'{name[:58]}…"' for name in names[:shown])
    return listed + (f" and {len(names) - shown:,} more" if len(names) > shown else "")


def _unjudged(sources: Sequence[SourceAccount], build: Build) -> list[Problem]:
    return [
        Problem(
            kind="unjudged",
            entity=source.entity,
            code="unjudged",
            what=f"{counted(source.entity, source.unjudged)} not judged by any rule yet",
            cost="not used before the next transform",
            count=source.unjudged,
            share=source.unjudged / source.records if source.records else None,
            then=None,
        )
        for source in sources
        if source.unjudged and build.state != "never"
    ]


def _stale(freshness: Sequence[Freshness]) -> list[Problem]:
    return [
        Problem(
            kind="stale",
            entity=fresh.entity,
            code="stale",
            what=f"The newest of the {_many(fresh.entity)} is "
            f"{number(int(fresh.days_behind), 'day')} behind the shop's clock",
            cost=f"recommendations know nothing of the {_many(fresh.entity)} since",
            count=None,
            share=None,
            then=None,
        )
        for fresh in freshness
        if fresh.entity in ("ratings", "transactions", "events")
        and fresh.days_behind is not None
        and fresh.days_behind > STALE_DAYS
    ]


def _losses(account: Account, earlier: Account | None) -> list[Problem]:
    """What is not used, by entity, the largest share of its entity first."""
    then = _lost(earlier) if earlier else None
    problems = []
    for (entity, kind), (count, of) in _lost(account).items():
        if not count:
            continue
        many, why = _many(entity), _reasons(account, entity, kind)
        if kind == "quarantined":
            what, costs = f"{counted(entity, count)} in quarantine{why}", cost(entity, count)
        else:
            what = f"{number(count, 'line')} of {many} not readable{why}"
            costs = cost_of_lines(entity, count)
        problems.append(
            Problem(
                kind=kind,
                entity=entity,
                code=kind,
                what=what,
                cost=costs,
                count=count,
                share=count / of,
                then=then.get((entity, kind), (0, 0))[0] if then is not None else None,
            )
        )
    return sorted(problems, key=lambda p: -(p.share or 0.0))


def _lost(account: Account) -> dict[tuple[str, Loss], tuple[int, int]]:
    """(entity, kind) -> what is lost, and of how many."""
    lost: dict[tuple[str, Loss], tuple[int, int]] = {}
    kinds: tuple[Loss, ...] = ("quarantined", "rejected")
    for source in account.sources:
        for kind in kinds:
            count, of = lost.get((source.entity, kind), (0, 0))
            extra = source.rejected if kind == "rejected" else 0
            lost[source.entity, kind] = (
                count + getattr(source, kind),
                of + source.records + extra,
            )
    return lost


def _reasons(account: Account, entity: str, kind: str) -> str:
    mine = [r for r in account.reasons if (r.entity, r.kind) == (entity, kind)]
    if not mine:
        return ""
    if len(mine) == 1:
        return f": {mine[0].words}"
    listed = ", ".join(f"{r.words} ({r.count:,})" for r in mine[:NAMED])
    more = len(mine) - NAMED
    return f": {listed}" + (f" and {number(more, 'more reason')}" if more > 0 else "")
