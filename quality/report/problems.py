"""What is wrong, worst first, and what each problem costs in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from feature_store.dbt_tests import STOP_TEST
from quality.report.content import Content
from quality.report.dbt_build import Build
from quality.report.pages.account import Account
from quality.report.pages.trust import Freshness
from quality.report.quoting import plain
from quality.report.repeats import FROM_SHARE, HELP
from quality.report.source_account import SourceAccount
from quality.report.tables import Row
from quality.report.words import RECORD, cost, cost_of_lines, counted, number, share
from recomart.shop.entities import ADDING_UP

Loss = Literal["quarantined", "rejected"]
NAMED = 3
"""Reasons that a problem names."""
STALE_DAYS = 7.0
"""A source whose newest record is this far behind the shop's clock is a problem."""


class Problem(Content):
    """Something that is wrong, and what it costs."""

    kind: Literal[
        "stop",
        "check",
        "file",
        "stale",
        "quarantined",
        "rejected",
        "repeats",
        "cancels_nothing",
        "unjudged",
    ]
    entity: str | None
    code: str
    what: str
    said: str | None = None
    """Texts from data or tools that belong to it, quoted."""
    cost: str
    count: int | None
    share: float | None
    """Of the entity's records (rejected: of the lines that should hold one)."""
    then: int | None
    """The count at the last run."""


def find_problems(
    account: Account,
    build: Build,
    stops: Sequence[Row],
    freshness: Sequence[Freshness],
    earlier: Account | None,
) -> list[Problem]:
    """First what stops publishing, then files and sources as a whole, then losses by their share,
    then repeats that may be facts, and cancellations of nothing.

    Args:
        stops: rows of quality.dq_stops.
        earlier: the account of the last run; None on a first run.
    """
    return [
        *_stops(stops, build),
        *_failed_checks(build, stops),
        *_unaccounted(account.sources),
        *_failed_files(account),
        *_unjudged(account.sources, build),
        *_stale(freshness),
        *_losses(account, earlier),
        *_repeats(account.sources, earlier),
        *_cancelling_nothing(account.sources, earlier),
    ]


def one_of(entity: str) -> str:
    """What a shop calls a record of an entity."""
    return RECORD.get(entity, (entity, entity))[0]


def many_of(entity: str) -> str:
    """What a shop calls the records of an entity."""
    return RECORD.get(entity, (entity, entity))[1]


def _stops(stops: Sequence[Row], build: Build) -> list[Problem]:
    return [
        Problem(
            kind="stop",
            entity=row["entity"],
            code=plain(row["rule_id"] or row["entity"], 120),
            what=f"{share(row['share'])} of the {many_of(row['entity'])} {offence(row)}, "
            f"{share(row['stop_above'])} are allowed: {plain(row['words'])}",
            cost=_still_served(build.published_at),
            count=None,
            share=row["share"],
            then=None,
        )
        for row in stops
    ]


def offence(stop: Row) -> str:
    """What a row of quality.dq_stops says of the records of its entity."""
    return "are in quarantine" if stop["rule_id"] == stop["entity"] else "break a rule"


def _still_served(published_at: datetime | None) -> str:
    if published_at is None:
        return "nothing is published"
    return f"the site keeps what was published on {published_at:%Y-%m-%d}"


def _failed_checks(build: Build, stops: Sequence[Row]) -> list[Problem]:
    """Failed tests and models; the test of the stops is left out where the stops are named."""
    named_already = STOP_TEST if stops else ""
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
        if failure.name != named_already
    ]


def _unaccounted(sources: Sequence[SourceAccount]) -> list[Problem]:
    return [
        Problem(
            kind="check",
            entity=source.entity,
            code="unaccounted",
            what=f"The account of the {many_of(source.entity)} does not balance.",
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
            what=f"{number(len(names), 'file')} of {many_of(entity)} could not be loaded",
            said=quoted_list(names),
            cost=f"none of the {many_of(entity)} in {'it' if len(names) == 1 else 'them'} are used",
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
            cost="not used until the next transform",
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
            what=f"The newest {one_of(fresh.entity)} is "
            f"{number(int(fresh.days_behind), 'day')} behind the shop's clock",
            cost=f"recommendations miss all {many_of(fresh.entity)} since then",
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
        many, why = many_of(entity), _reasons(account, entity, kind)
        if kind == "quarantined":
            what, costs = f"{counted(entity, count)} in quarantine{why}", cost(entity, count)
        else:
            what = f"{number(count, 'unreadable line')} of {many}{why}"
            costs = cost_of_lines(entity, count)
        problems.append(
            Problem(
                kind=kind,
                entity=entity,
                code=kind,
                what=what,
                cost=costs,
                count=count,
                share=count / of if of else None,
                then=then.get((entity, kind), (0, 0))[0] if then is not None else None,
            )
        )
    return sorted(problems, key=lambda p: -(p.share or 0.0))


def _repeats(sources: Sequence[SourceAccount], earlier: Account | None) -> list[Problem]:
    """Sources of which many records count as repeats of another one in the same file."""
    then = {(s.entity, s.source): s.doubtful_repeats for s in earlier.sources} if earlier else None
    found = [
        (source.doubtful_repeats / (source.records - source.filtered), source)
        for source in sources
        if source.doubtful_repeats
    ]
    return [
        Problem(
            kind="repeats",
            entity=source.entity,
            code="repeats_in_file",
            what=f"{counted(source.entity, source.doubtful_repeats)} counted as repeats: their key "
            "comes again later in the same file",
            cost=f"not counted, if they are {many_of(source.entity)} of their own: declare "
            f"{HELP[source.entity]}"
            if source.entity in ADDING_UP
            else "the last one of each key counts",
            count=source.doubtful_repeats,
            share=part,
            then=then.get((source.entity, source.source), 0) if then is not None else None,
        )
        for part, source in sorted(found, key=lambda one: -one[0])
        if part >= FROM_SHARE
    ]


def _cancelling_nothing(sources: Sequence[SourceAccount], earlier: Account | None) -> list[Problem]:
    then = {(s.entity, s.source): s.cancels_nothing for s in earlier.sources} if earlier else None
    return [
        Problem(
            kind="cancels_nothing",
            entity=source.entity,
            code="cancels_nothing",
            what=f"{number(source.cancels_nothing, 'cancellation')} without a purchase of the same "
            "user and product before it, or without the order that it names",
            cost="nothing is taken back; what they cancel may be older than the data",
            count=source.cancels_nothing,
            share=source.cancels_nothing / source.records,
            then=then.get((source.entity, source.source), 0) if then is not None else None,
        )
        for source in sources
        if source.cancels_nothing
    ]


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
