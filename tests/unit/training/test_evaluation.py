"""What is said of models: figures, lifts, parts of users and products, recall of candidates."""

from __future__ import annotations

from math import log2
from pathlib import Path

import numpy as np
import pytest

from feature_store.model_evaluation import (
    Evaluation,
    read_evaluation,
    rule_words,
    write_evaluation,
)
from recomart.errors import NotReady
from recomart.settings import Settings, load_settings
from tests.unit.training.asking import NOW, events
from tests.unit.training.test_small_shops import experiment as small_experiment
from tests.unit.training.test_small_shops import shop as small_shop
from training.bootstrap import bootstrap, intervals
from training.comparison import compared, measured
from training.evaluate import DEPTH, Holdout, pairs
from training.evaluation import candidate_recall, evaluation_of
from training.experiment import Experiment
from training.interactions import Index, Interactions
from training.labels import ShopData, ShopRules
from training.pools import Pool
from training.protocols import Case, Cases
from training.protocols.time import TimeProtocol
from training.user_groups import parts_of

PRODUCTS = 12
# user 0 is new; user 1 had one event, user 2 four, user 3 eleven; product 9 nobody had
BEFORE = [
    (1, 0, 1.0, "2026-01-02"),
    *[(2, product, 1.0, "2026-01-03") for product in (0, 1, 2, 3)],
    *[(3, product % 9, 1.0, f"2026-01-{4 + product:02}") for product in range(11)],
]
LIKED = [(0, 0), (0, 9), (1, 0), (1, 5), (2, 9), (3, 1), (3, 8)]


def case() -> Case:
    """Four users, of whom three like something that they had not touched."""
    shape = (4, PRODUCTS)
    users, products = map(np.array, zip(*LIKED, strict=True))
    held_out = Holdout(
        users=np.arange(4),
        relevant=pairs(users, products, shape),
        excluded=pairs(np.array([], dtype=int), np.array([], dtype=int), shape),
        candidates=np.arange(PRODUCTS) < 10,
        rated_users=np.array([], dtype=int),
        rated_products=np.array([], dtype=int),
        ratings=np.array([]),
    )
    nothing = Interactions(users[:0], products[:0], np.array([]), np.array([], "datetime64[us]"))
    return Case("test window", nothing, events(*BEFORE), NOW, held_out)


def lists(*rows: list[int]) -> np.ndarray:
    found = np.full((len(rows), DEPTH), -1)
    for row, products in enumerate(rows):
        found[row, : len(products)] = products
    return found


MINE = lists([0, 1], [5, 0], [9, 4], [7, 6])
RULE = lists([1, 0], [1, 0], [1, 0], [1, 0])


def invented() -> tuple[ShopData, Experiment]:
    held_out = case()
    names = Index(f"p{number:02}" for number in range(PRODUCTS))
    data = ShopData(
        rules=ShopRules("invented", NOW, (1.0, 5.0), 4.0, True, None),
        snapshot="abc",
        users=Index("uvwx"),
        products=names,
        titles=names.ids,
        categories=np.array(["x"] * PRODUCTS),
        listed=held_out.holdout.candidates,
        labels=held_out.known,
        label_kind="affinity",
        owned=held_out.known,
        events=held_out.events,
    )
    test = {"popularity": measured(RULE, held_out.holdout, None)}
    test["ease"] = measured(MINE, held_out.holdout, None)
    rules = {"popularity half_life_days=7": measured(RULE, held_out.holdout, None)}
    return data, Experiment(
        protocol=TimeProtocol(),
        cases=Cases((), None, held_out),
        validation={},
        test=test,
        comparison=compared("ease", test, rules, seed=1),
        rules=rules,
        pool=None,
        ranking=("ease", "popularity"),
        models={},
        parameters={"ease": {"penalty": 200.0}, "popularity": {"half_life_days": 7.0}},
        curve=None,
        rated=np.empty((0, 2)),
        training_hash="",
        candidates=0,
    )


@pytest.fixture(scope="module")
def found() -> Evaluation:
    evaluation = evaluation_of(*invented(), seed=1)
    assert evaluation is not None
    return evaluation


def test_figures_are_those_of_each_users_list(found: Evaluation) -> None:
    ease = found.of("ease")
    assert ease is not None
    # user 0 hits place 1 of 2 liked; user 1 places 1 and 2 of 2; user 2 place 1 of 1; user 3 none
    ideal = 1 + 1 / log2(3)
    mean = (1 / ideal + 1 + 1 + 0) / 4
    assert ease.figures["ndcg@10"].mean == pytest.approx(mean, abs=1e-6)
    assert ease.figures["recall@5"].mean == pytest.approx((0.5 + 1 + 1 + 0) / 4)
    assert ease.figures["mrr@20"].mean == pytest.approx(0.75)
    assert ease.figures["hit_rate@10"].mean == pytest.approx(0.75)
    assert ease.figures["map@10"].mean == pytest.approx((0.5 + 1 + 1 + 0) / 4)


def test_the_lift_is_the_paired_difference_to_the_best_simple_rule(found: Evaluation) -> None:
    ease = found.of("ease")
    rule = found.of("popularity half_life_days=7")
    assert ease is not None
    assert rule is not None
    assert found.rule == rule.name
    # the rule hits at place 2 for users 0 and 1 (two liked each) and at place 1 for user 3
    ideal = 1 + 1 / log2(3)
    of_rule = np.array([1 / log2(3) / ideal, 1 / log2(3) / ideal, 0, 1 / ideal])
    of_mine = np.array([1 / ideal, 1, 1, 0])
    expected = bootstrap(of_mine - of_rule, seed=1)
    lift = ease.lift["ndcg@10"]
    assert [lift.mean, lift.low, lift.high] == pytest.approx(
        [expected.mean, expected.low, expected.high], abs=1e-6
    )
    assert rule.lift == {}
    assert (rule.role, ease.role) == ("rule", "source")


def test_lists_are_described_beyond_their_hits(found: Evaluation) -> None:
    ease = found.of("ease")
    rule = found.of("popularity half_life_days=7")
    assert ease is not None
    assert rule is not None
    assert ease.coverage == pytest.approx(7 / 10)  # 0, 1, 4, 5, 6, 7, 9 of the ten that are listed
    assert (rule.personalisation, rule.coverage) == (0.0, 0.2)
    # three users had products 0, 1 by two of three: log2(3/3) and log2(3/2) bits
    assert rule.novelty == pytest.approx(log2(3 / 2) / 2, abs=1e-6)
    assert rule.top_sellers == pytest.approx(0.5)  # a tenth of ten products is product 0
    assert found.liked == 7
    assert found.liked_top_sellers == pytest.approx(2 / 7, abs=1e-6)


def test_users_are_grouped_by_what_they_did_before(found: Evaluation) -> None:
    users = {group.name: group.users for group in found.groups if group.of == "users"}
    assert users == {
        "users_0": 1, "users_1_2": 1, "users_3_5": 1, "users_6_10": 0, "users_more": 1
    }  # fmt: skip
    of = {group.name: group for group in found.groups}
    assert of["users_1_2"].ndcg["ease"].mean == pytest.approx(1.0)
    assert of["users_more"].ndcg["ease"].mean == 0.0
    assert of["users_6_10"].ndcg["ease"].mean is None


def test_products_are_grouped_by_how_new_they_are(found: Evaluation) -> None:
    of = {group.name: group for group in found.groups}
    # again: (1, 0), (3, 1) and (3, 8); new to the user: (0, 0) and (1, 5); new: (0, 9) and (2, 9)
    assert [of[f"products_{name}"].users for name in ("again", "new_to_user", "new")] == [2, 2, 2]
    assert of["products_again"].share == pytest.approx(3 / 7, abs=1e-6)
    # of what was new in the shop, user 2 got product 9 at place 1, user 0 nothing
    assert of["products_new"].ndcg["ease"].mean == pytest.approx(0.5)
    # of what was had before, user 1 got product 0 at place 2, user 3 nothing
    assert of["products_again"].ndcg["ease"].mean == pytest.approx(1 / log2(3) / 2, abs=1e-6)


def test_each_liked_product_is_in_exactly_one_part() -> None:
    parts = [part for part in parts_of(case()) if part.of == "products"]
    assert sum(part.relevant.nnz for part in parts) == len(LIKED)
    rows = [row for part in parts_of(case()) if part.of == "users" for row in part.rows.tolist()]
    assert sorted(rows) == [0, 1, 2, 3]


def test_recall_of_candidates_is_that_of_each_source_and_of_their_union() -> None:
    # user 0: ease proposes 0, popularity 9 and 1; user 1: popularity 5; users 2 and 3: nothing
    nan = np.nan
    pool = Pool(
        row=np.array([0, 0, 0, 1]),
        products=np.array([0, 1, 9, 5]),
        names=("ease_rank", "ease_share", "popularity_rank", "popularity_share"),
        features=np.array(
            [[0, 1, nan, nan], [nan, nan, 1, 1], [nan, nan, 0, 1], [nan, nan, 0, 1]], np.float32
        ),
        users=4,
    ).labelled(np.array([True, False, True, True]))
    recall = {one.source: one for one in candidate_recall(pool, case(), seed=1)}
    assert recall["ease"].recall.mean == pytest.approx(0.5 / 4)
    assert recall["popularity"].recall.mean == pytest.approx((0.5 + 0.5) / 4)
    assert recall["all"].recall.mean == pytest.approx((1.0 + 0.5) / 4)
    assert (recall["ease"].products, recall["all"].products) == (0.2, 1.0)


def test_intervals_of_many_figures_are_those_of_each() -> None:
    values = np.random.default_rng(5).random((300, 3))
    together = intervals(values, seed=2, resamples=200)
    assert [one.low for one in together] == pytest.approx(
        [bootstrap(values[:, at], seed=2, resamples=200).low for at in range(3)]
    )


def test_intervals_do_not_depend_on_how_many_draws_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(5).random((30, 2))
    whole = intervals(values, seed=2, resamples=100)
    monkeypatch.setattr("training.bootstrap.BLOCK_CELLS", 90)
    some = intervals(values, seed=2, resamples=100)
    assert [(one.low, one.high) for one in some] == [
        pytest.approx((one.low, one.high)) for one in whole
    ]


@pytest.mark.parametrize("days", [2, 3])
def test_a_small_shop_has_an_evaluation_of_what_could_be_measured(days: int) -> None:
    found = evaluation_of(small_shop(days), small_experiment(days), seed=7)
    assert found is not None
    assert found.measured_on == ("validation" if days == 2 else "test")
    assert {"popularity", "svd"} <= {kind.name for kind in found.kinds}
    assert Evaluation.model_validate_json(found.model_dump_json()) == found


def test_a_shop_of_one_day_has_none() -> None:
    assert evaluation_of(small_shop(1), small_experiment(1), seed=7) is None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(shop="demo", lake=tmp_path / "lake")


def test_an_evaluation_is_read_as_it_was_written(found: Evaluation, settings: Settings) -> None:
    write_evaluation(settings, "time", found)
    assert read_evaluation(settings, "time") == found
    assert read_evaluation(settings, "random") is None


@pytest.mark.parametrize("content", ["", "{", '{"format": 1}', "[]"])
def test_a_damaged_evaluation_is_an_error_that_names_the_file(
    settings: Settings, content: str
) -> None:
    settings.evaluation.mkdir(parents=True)
    (settings.evaluation / "time.json").write_text(content)
    with pytest.raises(NotReady, match=r"time\.json"):
        read_evaluation(settings, "time")


def test_simple_rules_have_words() -> None:
    assert rule_words("popularity half_life_days=14") == "what is popular (half-life 14 days)"
    assert rule_words("history half_life_days=1") == "what the user had before (half-life 1 day)"
    assert rule_words("oldest") == "oldest"
