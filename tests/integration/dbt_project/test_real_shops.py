"""Drafted shop files of invented exports, with one edit at most: the facts are those of a count by
hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.ingest import ingest
from onboarding import check, init
from recomart.settings import load_settings
from tests.oracles.real_shops import SHOPS, Counted

FACTS = {
    "transactions": "select user_id, product_id, ordered_at, quantity, quantity * unit_price "
    "from marts.fct_transactions",
    "ratings": "select user_id, product_id, rated_at, 1, rating from marts.fct_ratings",
}


@pytest.mark.parametrize("make", SHOPS, ids=lambda make: make.__name__)
def test_a_drafted_shop_file_gives_the_facts_that_a_count_by_hand_finds(
    tmp_path: Path, make: Callable[[Path], Counted], dbt, read
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    counted = make(folder)
    path = tmp_path / "acme.yml"
    init(folder).write(path)
    if counted.edit:
        before, after = counted.edit
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))
    settings = load_settings(shop=str(path), lake=tmp_path / "lake")
    assert [problem for problem in check(settings) if problem.severity == "error"] == []
    ingest(settings)
    status = dbt.run(
        settings.lake, "build", "--select", "+dq_reconciles", f"+fct_{counted.fact}", "+dim_products",
        "--exclude", "resource_type:unit_test", "--indirect-selection", "cautious",
    )  # fmt: skip
    assert {name: s for name, s in status.items() if s not in ("success", "pass")} == {}
    lines = read(settings.lake, FACTS[counted.fact])
    assert len(lines) == counted.facts
    assert len({user for user, *_ in lines}) == counted.users
    units: Counter[str] = Counter()
    for _, product, _, quantity, _ in lines:
        units[product] += int(quantity)
    assert units == counted.units
    assert len(units) == counted.products
    assert sum(spent for *_, spent in lines) == counted.total
    assert Counter(at for _, _, at, *_ in lines) == counted.times
    products = read(settings.lake, "select product_id, title, category from marts.dim_products")
    assert {p: title for p, title, _ in products} == counted.titles
    assert {p: category for p, _, category in products} == counted.categories
