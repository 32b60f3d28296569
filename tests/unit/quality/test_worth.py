"""Whether a model is worth it, in words: each answer, and why a model is not better."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from feature_store.model_evaluation import (
    FORMAT,
    CandidateRecall,
    Evaluation,
    Figure,
    Group,
    KindResult,
    RuleResult,
)
from feature_store.registered_models import FEATURES_HASH, KIND, ModelVersion
from quality.report.pages.models import PAGE, Models, describe, read_models
from quality.report.paper import Paper
from quality.report.report import Report, Run
from quality.worth import judge
from recomart.settings import load_settings

RULE = "popularity half_life_days=14"


def figure(mean: float, width: float = 0.05) -> Figure:
    return Figure(mean=mean, low=mean - width, high=mean + width)


def result(name: str, mean: float, lift: Figure | None, role: str = "source") -> KindResult:
    return KindResult(
        name=name,
        role=role,  # type: ignore[arg-type]
        parameters={},
        validation_ndcg=mean,
        figures={"ndcg@10": figure(mean)},
        lift={} if lift is None else {"ndcg@10": lift},
        coverage=0.5,
        novelty=3.0,
        personalisation=0.7,
        top_sellers=0.4,
        rmse=None,
    )


def group(name: str, users: int, share: float, lift: Figure) -> Group:
    return Group(
        name=name,
        words=f"some {name}",
        of="users",
        users=users,
        share=share,
        ndcg={"ease": figure(0.2), RULE: figure(0.2)},
        lift={"ease": lift},
    )


def evaluation(lift: Figure, **given: object) -> Evaluation:
    """A shop of 400 users in which `ease` is compared with what is popular, at 0.200."""
    mean = 0.2 + (lift.mean or 0)
    values: dict[str, object] = {
        "format": FORMAT,
        "shop": "corner",
        "snapshot": "abcdef0123456789",
        "as_of": "2026-03-31T00:00:00",
        "protocol": "time",
        "protocol_words": "by time",
        "relevant": 4.0,
        "measured_on": "test",
        "window": "2026-03-01 to 2026-03-31",
        "validation_cut": "2026-02-01T00:00:00",
        "test_cut": "2026-03-01T00:00:00",
        "users": 400,
        "products": 90,
        "liked": 1000,
        "liked_top_sellers": 0.1,
        "champion": "ease",
        "rule": RULE,
        "kinds": (
            result("ease", mean, lift),
            result("popularity", 0.19, figure(-0.01)),
            result(RULE, 0.2, None, "rule"),
        ),
        "rules": (RuleResult(name=RULE, ndcg=figure(0.2)),),
        "groups": (),
        "candidates": (),
    }
    return Evaluation.model_validate(values | given)


def reasons(**given: object) -> str:
    return " ".join(judge(evaluation(figure(0.01), **given), "ease").reasons)


def test_a_lift_whose_interval_is_above_0_is_an_answer_in_words() -> None:
    worth = judge(evaluation(figure(0.1)), "ease")
    assert worth.standing == "better"
    assert worth.sentence == (
        "Yes: ease is better than every simple rule that was tried. nDCG@10 0.300 against 0.200 of "
        "the best simple rule, what is popular (half-life 14 days): +0.100 (50% more), and with 95% "
        "confidence +0.050 to +0.150."
    )
    assert worth.reasons == ()


def test_a_lift_whose_interval_holds_0_is_not_called_better_and_says_how_many_users_it_takes() -> (
    None
):
    worth = judge(evaluation(figure(0.01)), "ease")
    assert worth.standing == "not proven"
    assert worth.sentence.startswith("Not proven: ease is not surely better than a simple rule.")
    # the interval is 5 times too wide: 25 times as many users make it narrow enough
    assert "400 users could be asked about" in worth.reasons[0]
    assert "about 10,000 would be needed" in worth.reasons[0]


def test_a_model_that_is_worse_than_a_rule_is_called_worse() -> None:
    worth = judge(evaluation(figure(-0.1)), "ease")
    assert worth.standing == "worse"
    assert "−0.100 (50% less)" in worth.sentence
    assert worth.reasons


def test_a_simple_rule_that_serves_is_said_to_be_one() -> None:
    worth = judge(evaluation(figure(0.01), champion="popularity"), "popularity")
    assert worth.standing == "a simple rule"
    assert worth.sentence.startswith("What serves is itself a simple rule, popularity")
    assert worth.reasons


@pytest.mark.parametrize("lift", [figure(0.1), figure(-0.1), Figure(mean=0.1, low=0.1, high=0.1)])
def test_no_difference_is_believed_of_fewer_than_30_users(lift: Figure) -> None:
    worth = judge(evaluation(lift, users=29), "ease")
    assert worth.standing == "not proven"
    assert worth.reasons[0].startswith("Too few users: 29 users could be asked about.")


def test_a_window_in_which_nobody_liked_anything_is_not_measured() -> None:
    nothing = Figure(mean=None, low=None, high=None)
    worth = judge(evaluation(nothing, users=0, rule=None), "ease")
    assert worth.standing == "not measured"
    assert "nobody liked anything" in worth.sentence


def test_popularity_is_named_where_it_dominates() -> None:
    assert "Popularity dominates: 62% of" in reasons(liked_top_sellers=0.62)
    assert "Popularity dominates" not in reasons(liked_top_sellers=0.3)


def test_new_users_and_new_products_are_named_where_they_are_many() -> None:
    nothing = figure(0.0)
    assert "Many new users: 45% of the users" in reasons(
        groups=(group("users_0", 180, 0.45, nothing),)
    )
    assert "Many new products: 25% of what" in reasons(
        groups=(group("products_new", 100, 0.25, nothing),)
    )


def test_few_candidates_are_named() -> None:
    few = CandidateRecall(source="all", recall=figure(0.12), products=150.0)
    assert "all sources together propose 12%" in reasons(candidates=(few,))


def test_groups_for_which_the_rule_is_better_are_named_if_they_are_large_enough() -> None:
    groups = (group("few", 20, 0.1, figure(-0.1)), group("many", 200, 0.5, figure(-0.1)))
    assert judge(evaluation(figure(0.1), groups=groups), "ease").worse_for == ("some many",)


def version(**tags: str) -> ModelVersion:
    return ModelVersion(
        "7", "run", datetime(2026, 4, 1, tzinfo=UTC), Path("nowhere"), tags, ("champion",)
    )


def drawn(content: Models, tmp_path: Path) -> str:
    """The page's text."""
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    run = Run(
        run_id="r", shop="corner", title="Corner", written_at=moment, as_of=moment, state="s",
        since_run=None, since_written_at=None, since="",
    )  # fmt: skip
    paper = Paper("heading", moment)
    paper.add_page()
    PAGE.draw(paper, Report(1, run, {"models": content}))
    path = tmp_path / "page.pdf"
    paper.output(str(path))
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def test_the_page_shows_the_answer_every_kind_and_every_group(tmp_path: Path) -> None:
    groups = (group("few", 20, 0.1, figure(-0.1)), group("many", 200, 0.5, figure(-0.1)))
    recall = (CandidateRecall(source="all", recall=figure(0.5), products=150.0),)
    found = evaluation(figure(0.1), groups=groups, candidates=recall)
    tags = {KIND: "ease", FEATURES_HASH: found.snapshot}
    content = describe(found, version(**tags), stale=True)
    assert Models.model_validate_json(content.model_dump_json()) == content
    text = drawn(content, tmp_path)
    for expected in (
        "Is it worth it?",
        "Yes: ease is better than every simple rule",
        "The simple rule is better for: some many.",
        "Other features are published by now",
        "ease (serves) 0.300 0.300 [0.250, 0.350] +0.100 [+0.050, +0.150] 50%",
        "best simple rule",
        "some few 20 10% 0.200 0.200 −0.100 (few users)",
        "some many 200 50% 0.200 0.200 −0.100 [−0.150, −0.050]",
        "all together 0.500 [0.450, 0.550] 150",
    ):
        assert expected in text, text


def test_the_page_is_about_the_kind_that_serves_not_the_one_that_was_best() -> None:
    found = evaluation(figure(0.1))
    content = describe(found, version(**{KIND: "popularity"}), stale=False)
    assert [row.name for row in content.kinds if row.serves] == ["popularity"]
    assert content.standing == "a simple rule"


def test_without_a_model_there_is_no_page(tmp_path: Path) -> None:
    content = read_models(load_settings(shop="demo", lake=tmp_path / "lake"))
    assert content.sentence == "Nothing has been trained yet."
    assert drawn(content, tmp_path) == "page 1"
