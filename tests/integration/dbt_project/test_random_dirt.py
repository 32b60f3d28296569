"""Random dirty shops under random rules, against an oracle in plain Python (tests/oracles/rules.py).

One build holds hundreds of records, so that few examples are many cases.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.oracles.raw_tables import RawShop
from tests.oracles.rules import Judged, judge_products, judge_ratings

PRODUCTS = [f"p{n}" for n in range(60)] * 4 + [None, " "]
BRANDS = ["a"] * 6 + ["b", "c", "d", "e", "  ", "", None]
PRICES = ["1", "2", "5", "9.5", "10", "10.0001", "20", "50", "1000", "0", "-1", "x", "", None]
RATINGS = ["1", "2", "3", "4", "5", "0.9999", "5.0001", "NaN", "five", " ", None]
TIMES = [f"2024-03-{day:02}T10:00:00" for day in range(1, 20)]
BAD_TIMES = ["2025-01-01T00:00:00.000001", "1899-12-31T23:59:59", "yesterday", " ", None]
OUTCOMES = ("accepted", "quarantined", "deduplicated", "superseded")


def _rules(draw: Random) -> dict[str, dict]:
    return {
        "products": {
            "price": {
                "range": draw.choice([(0, 100_000_000), (1, 50), (2, 10)]),
                "usual": draw.choice(["iqr", (2, 20)]),
            },
            "brand": {
                "required": draw.random() < 0.5,
                "one_of": draw.choice([None, ("a", "b", "c")]),
                "rare_below": draw.choice([2, 8, 20]),
            },
        },
        "ratings": {
            "rating": {"range": draw.choice([(1, 5), (2, 4)])},
            "product_id": {"reference": draw.choice(["quarantine", "keep"])},
        },
    }


def _declared(rules: dict[str, dict], stops: dict[str, float]) -> dict[str, dict]:
    """The same rules as a shop file says them."""
    price, brand = rules["products"]["price"], rules["products"]["brand"]
    of_brand: dict[str, object] = {"rare_below": brand["rare_below"], "required": brand["required"]}
    if brand["one_of"]:
        of_brand["one_of"] = list(brand["one_of"])
    usual = price["usual"] if price["usual"] == "iqr" else list(price["usual"])
    of_price = {"range": list(price["range"]), "usual": usual, "stop_above": stops["price"]}
    rating = {"range": list(rules["ratings"]["rating"]["range"])}
    return {
        "products": {
            "stop_above": stops["products"],
            "columns": {"price": of_price, "brand": of_brand},
        },
        "ratings": {
            "stop_above": stops["ratings"],
            "columns": {"rating": rating, "product_id": rules["ratings"]["product_id"]},
        },
    }


def _world(draw: Random) -> dict[str, list[dict]]:
    def batch() -> str:
        return draw.choice("123")

    products = [
        {"product_id": draw.choice(PRODUCTS), "brand": draw.choice(BRANDS)}
        | {"price": draw.choice(PRICES), "_batch_id": batch()}
        for _ in range(250)
    ]
    ratings = [
        {"user_id": draw.choice(["u1", "u2", "u3", "u4", None])}
        | {"product_id": draw.choice([*PRODUCTS[:12], "ghost", None])}
        | {"rating": draw.choice(RATINGS), "_batch_id": batch()}
        | {"rated_at": draw.choice(TIMES * 2 + BAD_TIMES)}
        for _ in range(600)
    ]
    # the same record again, and the same key with another value
    products += [dict(draw.choice(products), _batch_id=batch()) for _ in range(40)]
    ratings += [dict(draw.choice(ratings), _batch_id=batch()) for _ in range(60)]
    ratings += [dict(draw.choice(ratings), rating="3", _batch_id=batch()) for _ in range(40)]
    return {"products": products, "ratings": ratings}


@pytest.mark.slow
@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_records_rules_flags_stops_and_the_account_are_those_of_the_oracle(
    dbt, read, seed: int
) -> None:
    draw = Random(seed)
    rows, rules = _world(draw), _rules(draw)
    stops = {name: draw.choice([0.05, 0.3, 0.6, 0.9]) for name in ("price", "products", "ratings")}
    judged = {
        "products": judge_products(rows["products"], rules["products"]),
        "ratings": judge_ratings(rows["ratings"], rows["products"], rules["ratings"]),
    }
    lake = dbt.new_lake(RawShop(rows, rules=_declared(rules, stops)))
    status = dbt.run(lake, "build", "--select", "+dq_stops")
    assert status["dq_reconciles"] == "pass"

    for entity, expected in judged.items():
        quarantine = f"select _batch_id, _record, reject_reasons from quality.quarantine_{entity}"
        assert {(b, r): why for b, r, why in read(lake, quarantine)} == expected.reasons
        aside = f"select _batch_id, _record, outcome from intermediate.int_{entity}__set_aside"
        set_aside = {place: o for place, o in expected.outcome.items() if o != "accepted"}
        assert {(b, r): o for b, r, o in read(lake, aside)} == set_aside
        counted = read(
            lake,
            f"select batch_id, {', '.join(OUTCOMES)} from quality.dq_reconciliation "
            f"where entity = '{entity}'",
        )
        account = {batch: Counter(dict(zip(OUTCOMES, n, strict=True))) for batch, *n in counted}
        assert account == expected.account

    flags = read(lake, "select _batch_id, _record, code from quality.dq_flags")
    assert Counter(flags) == Counter(judged["products"].flags)
    found = read(
        lake, "select rule_id, entity, kind, outcome, code, checked, failed from quality.dq_rules"
    )
    failed = {}
    for rule_id, entity, kind, outcome, code, checked, count in found:
        of = judged[entity]
        assert count == _failed(of, rule_id, kind, outcome, code), rule_id
        accepted_only = kind in ("missing", "usual", "rare") or outcome == "kept"
        assert checked == (of.count("accepted") if accepted_only else len(of.outcome)), rule_id
        failed[rule_id] = (count, checked)
    stopped = {
        entity
        for entity, of in judged.items()
        if of.count("quarantined") > stops[entity] * len(of.outcome)
    }
    for rule_id in ("products.price.type", "products.price.range"):
        count, checked = failed[rule_id]
        stopped |= {rule_id} if count > stops["price"] * checked else set()
    assert {rule_id for (rule_id,) in read(lake, "select rule_id from quality.dq_stops")} == stopped
    expected_status = "fail" if stopped else "pass"
    assert status["no_rule_is_broken_more_often_than_the_shop_allows"] == expected_status


def _failed(of: Judged, rule_id: str, kind: str, outcome: str, code: str) -> int:
    if kind == "unique":
        return of.count(outcome)
    if kind == "missing":
        column = rule_id.split(".")[1]
        nowhere = column not in ("price", "brand")  # no record has the other optional columns
        return of.count("accepted") if nowhere else of.missing[column]
    if kind in ("usual", "rare"):
        return sum(1 for flag in of.flags if flag[2] == code)
    if kind == "reference" and outcome == "kept":
        return of.unlisted
    return of.broken(code)
