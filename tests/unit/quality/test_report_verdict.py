"""The verdict's sentence for each state that a build can be in. Figures are by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from quality.report.dbt_build import Build, Failure
from quality.report.pages.account import Account
from quality.report.pages.trust import Freshness
from quality.report.pages.verdict import Verdict, judge
from quality.report.reasons import Reason
from quality.report.recovered import TakenBack
from quality.report.source_account import SourceAccount
from recomart.shop.verdict import VerdictLimits

NOTHING_BACK = TakenBack(records=0, lines=0, files=0, batches=())


def _source(**given: object) -> SourceAccount:
    values: dict[str, object] = {
        "source": "files",
        "entity": "ratings",
        "files": 1,
        "failed_files": 0,
        "lines": 1001,
        "header": 1,
        "blank": 0,
        "continuation": 0,
        "rejected": 0,
        "records": 1000,
        "accepted": 900,
        "quarantined": 102,
        "deduplicated": 0,
        "superseded": 0,
        "unjudged": 0,
        "balances": True,
    }
    return SourceAccount(**(values | given))  # type: ignore[arg-type]


def _verdict(source: SourceAccount, build: Build, **given: object) -> Verdict:
    account = Account(sources=(source,), reasons=(), failed_files=())
    asked = {"stops": [], "freshness": [], "back": NOTHING_BACK} | given
    return judge(account, build, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "build", "standing", "begins"),
    [
        ({}, Build("passed"), "fair", "Use with care: only 89.8% of 1,002 ratings are used."),
        (
            {"accepted": 1000, "quarantined": 0},
            Build("passed"),
            "good",
            "Good to use: all 1,000 ratings received are used.",
        ),
        ({"accepted": 0}, Build("passed"), "stopped", "Not usable: no rating, order line or event"),
        (
            {"entity": "users", "accepted": 1000},
            Build("passed"),
            "stopped",
            "Not usable: no rating, order line or event",
        ),
        ({"records": 0}, Build("passed"), "not judged", "Not judged: no record was received."),
        ({"unjudged": 7}, Build("passed"), "not judged", "Not judged yet: 7 records arrived after"),
        ({}, Build("never"), "not judged", "Not judged yet: 1,000 records were received"),
        ({}, Build("untested"), "not judged", "Not judged yet: the last build changed tables"),
        ({}, Build("unfinished"), "stopped", "Stopped: the last build was cut off"),
        ({}, Build("failed", failed=2), "stopped", "Stopped: 2 checks or tables"),
        ({"balances": False}, Build("passed"), "stopped", "Stopped: not every line and record"),
    ],
)
def test_verdict_goes_by_the_build_and_the_account(
    source: dict[str, object], build: Build, standing: str, begins: str
) -> None:
    verdict = _verdict(_source(**source), build)
    assert verdict.standing == standing
    assert verdict.sentence.startswith(begins)


@pytest.mark.parametrize(
    ("lost", "standing", "colour"),
    [
        ({"quarantined": 50}, "good", "green"),  # exactly 95%
        ({"quarantined": 51}, "fair", "amber"),
        ({"rejected": 51}, "fair", "amber"),
        ({"quarantined": 200}, "fair", "amber"),  # exactly 80%
        ({"quarantined": 201}, "poor", "red"),
        ({"quarantined": 150, "rejected": 51}, "poor", "red"),
        ({"filtered": 900}, "good", "green"),
        ({"deduplicated": 500, "superseded": 400}, "good", "green"),
        ({"deduplicated": 51, "repeats_in_file": 51}, "fair", "amber"),
        ({"deduplicated": 51, "repeats_in_file": 51, "repeats_declared": "once"}, "good", "green"),
        ({"failed_files": 1}, "fair", "amber"),
    ],
)
def test_the_colour_is_that_of_the_share_of_facts_used(
    lost: dict[str, object], standing: str, colour: str
) -> None:
    """Of 1,000 facts; what the shop leaves out and what came again are not lost."""
    of = 1000 - sum(int(str(lost.get(term, 0))) for term in ("quarantined", "rejected"))
    of -= int(str(lost.get("repeats_in_file", 0)))
    source = _source(**({"quarantined": 0, "accepted": of} | lost))
    verdict = _verdict(source, Build("passed"))
    assert (verdict.standing, verdict.colour) == (standing, colour)


def test_no_list_dilutes_the_facts_and_the_worst_entity_decides() -> None:
    lines = _source(entity="transactions", accepted=670, quarantined=330, failed_files=1)
    sources = (
        _source(entity="users", accepted=100_000, quarantined=0),
        _source(entity="products", accepted=0, quarantined=90_000),
        lines,
        lines.model_copy(update={"source": "api", "failed_files": 0}),
        _source(entity="events", accepted=1000, quarantined=0),
    )
    account = Account(sources=sources, reasons=(), failed_files=())
    verdict = judge(account, Build("passed"), [], [], NOTHING_BACK)
    assert verdict.standing == "poor"
    assert verdict.sentence == (
        "Not good to use: only 67.0% of 2,000 order lines are used, and 1 file could not be loaded."
    )
    assert verdict.numbers[1].shown == "78.0%"  # 2,340 of 3,000
    limits = VerdictLimits(amber_below=0.67, red_below=0.5)
    others = (sources[3], sources[4])
    judged = judge(
        account.model_copy(update={"sources": others}),
        Build("passed"), [], [], NOTHING_BACK, limits=limits,
    )  # fmt: skip
    assert judged.sentence == (
        "Good to use: 67.0% of 1,000 order lines and 100.0% of 1,000 events are used, and each of the "
        "others is accounted for."
    )


def test_repeats_of_one_file_and_cancellations_of_nothing_are_problems() -> None:
    lines = {"entity": "transactions", "quarantined": 0, "accepted": 880, "deduplicated": 100}
    source = _source(**lines, repeats_in_file=90, cancelled=20, cancels_nothing=3)
    problems = _verdict(source, Build("passed")).problems
    assert [(p.kind, p.count, p.share) for p in problems] == [
        ("repeats", 90, 0.09),
        ("cancels_nothing", 3, 0.003),
    ]
    assert problems[0].what.startswith("90 order lines counted as repeats")
    few = _source(**lines, repeats_in_file=9)
    assert _verdict(few, Build("passed")).problems == ()


def test_exceeded_limit_is_named_before_all_else() -> None:
    stop = {
        "rule_id": "ratings.rating.range",
        "entity": "ratings",
        "share": 0.102,
        "stop_above": 0.1,
        "words": "A rating's value lies between 1 and 5.",
    }
    failure = Failure("no_rule_is_broken_more_often_than_the_shop_allows", "No rule.", '"1 row"')
    build = Build("failed", failed=1, failures=(failure,), published_at=datetime(2026, 3, 1))
    verdict = _verdict(_source(), build, stops=[stop])
    assert verdict.sentence == (
        "Stopped: 10.2% of the ratings break a rule, and the shop allows 10.0%; "
        "nothing new was published."
    )
    assert [p.kind for p in verdict.problems] == [
        "stop",
        "quarantined",
    ]  # the test is not named twice
    assert verdict.problems[0].cost == "the site keeps what was published on 2026-03-01"


def test_problems_say_what_they_cost() -> None:
    reason = Reason(
        entity="ratings",
        kind="quarantined",
        code="missing_rating",
        column="rating",
        words="rating is missing",
        rule=None,
        count=102,
        share=0.102,
        then=None,
        examples=(),
    )
    source = _source(rejected=50)
    account = Account(sources=(source,), reasons=(reason,), failed_files=())
    stale = Freshness(
        source="files",
        entity="ratings",
        newest=datetime(2026, 3, 1, tzinfo=UTC),
        days_behind=30.4,
        last_load=None,
    )
    verdict = judge(account, Build("passed"), [], [stale], NOTHING_BACK)
    assert [(p.kind, p.what, p.cost) for p in verdict.problems] == [
        (
            "stale",
            "The newest rating is 30 days behind the shop's clock",
            "recommendations miss all ratings since then",
        ),
        (
            "quarantined",
            "102 ratings in quarantine: rating is missing",
            "102 ratings not used for training",
        ),
        ("rejected", "50 unreadable lines of ratings", "up to 50 ratings not used for training"),
    ]


def test_six_numbers_with_a_dash_where_nothing_is_known() -> None:
    shown = [n.shown for n in _verdict(_source(unjudged=1000), Build("never")).numbers]
    assert shown == ["1,000", "–", "–", "0", "–", "–"]
