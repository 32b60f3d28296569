"""Features of whole shops against brute force, at random entities and days (benchmarks/exactness.py)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import exactness, results
from benchmarks.exactness import Pair
from recomart.settings import Settings


def test_the_demo_shops_features_are_what_is_counted(
    demo_lake: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)

    exactness.main(["--lake", str(demo_lake.lake), "--pairs", "300"])

    told = json.loads((tmp_path / "exactness_demo.json").read_text())
    assert told["differences"] == []
    assert told["pairs"] == 300
    assert told["known"] > 150
    assert told["values"] > 1_500
    assert {"user_spend_90d", "product_price_percentile"} <= set(told["features"])


@pytest.mark.realdata
def test_movielens_features_are_what_is_counted_at_a_thousand_random_days(
    movielens_lake: Settings,
) -> None:
    found = exactness.compare(movielens_lake)

    assert found.differences == ()
    assert found.pairs == 1_000
    assert found.known > 500


def test_a_wrong_value_and_a_row_of_the_future_are_differences() -> None:
    pair = Pair("ftr_user_categories", ("u1", "toys"), date(2024, 4, 1))
    row = {"user_category_interactions_90d": 2, "user_category_spend_90d": 1.1}
    counted = {"user_category_interactions_90d": 2, "user_category_spend_90d": Decimal("1.1000")}
    nothing = dict.fromkeys(row)

    def differing(published: dict, expected: dict | None) -> list[str]:
        found = exactness.find_differences([pair], [published], [expected])
        return [difference.feature for difference in found]

    assert differing(row, counted) == differing(nothing, None) == []
    assert differing({**row, "user_category_spend_90d": 1.2}, counted) == [
        "user_category_spend_90d"
    ]
    assert differing(row, None) == differing(nothing, counted) == list(row)
