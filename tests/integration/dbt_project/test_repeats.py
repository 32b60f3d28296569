"""Order lines that are equal: one purchase that came again, or several purchases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.ingest import ingest
from quality.report.gather import gather
from quality.report.pages.account import PAGE as ACCOUNT
from quality.report.pages.verdict import PAGE as VERDICT
from recomart.step import no_progress
from tests.integration.ingestion.conftest import UserShop

SHOP = """
transactions:
  files: "in/*.csv"
  columns:
    order_id: {join: [day, customer]}
    line_no: LINE
    user_id: customer
    product_id: article
    unit_price: price
    ordered_at: day
"""
HEADER = "day,customer,article,price\n"
LINES = [
    "2024-01-01,c1,a1,5",
    "2024-01-01,c1,a1,5",
    "2024-01-01,c1,a2,7",
    "2024-01-01,c1,a1,5",
    "2024-01-02,c2,a1,5",
]
FACTS = "select order_id, product_id, quantity from marts.fct_transactions"
TERMS = "select records, accepted, deduplicated, superseded from quality.dq_reconciliation order by batch_id"


@pytest.fixture
def shop(tmp_path: Path) -> UserShop:
    found = UserShop(tmp_path)
    found.write("1.csv", HEADER + "\n".join(LINES) + "\n")
    return found


Load = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def load(shop: UserShop, dbt: Any, read: Any) -> Load:
    """Load the shop with this declaration; the rows of the account."""

    def loaded(declared: str) -> list[tuple[Any, ...]]:
        shop.declare(declared)
        ingest(shop.settings)
        status = dbt.run(shop.settings.lake, "build", "--select", "+dq_stops")
        assert status["dq_reconciles"] == "pass"
        return read(shop.settings.lake, TERMS)

    return loaded


def _report(shop: UserShop) -> tuple[Any, Any]:
    report = gather(shop.settings, "run", datetime.now(UTC), no_progress)
    return report.of(ACCOUNT), report.of(VERDICT)


@pytest.mark.slow
def test_equal_lines_of_a_file_count_once_and_the_report_asks(shop: UserShop, load: Load) -> None:
    assert load(SHOP.replace("LINE", "article")) == [(5, 3, 2, 0)]
    account, verdict = _report(shop)
    [source] = account.sources
    assert (source.repeats, source.repeats_share, source.repeats_in_file) == (2, 0.4, 2)
    [problem] = [p for p in verdict.problems if p.kind == "repeats"]
    assert (problem.count, problem.share) == (2, 0.4)
    assert "declare line_no: {number_within: <order>} or repeats: add_up" in problem.cost

    # the whole file again, and a line more: what is in another file is a redelivery
    shop.write("2.csv", HEADER + "\n".join([*LINES[2:], "2024-01-03,c2,a2,7"]) + "\n")
    assert load(SHOP.replace("LINE", "article") + "  repeats: once\n") == [
        (5, 0, 5, 0),
        (4, 4, 0, 0),
    ]
    account, verdict = _report(shop)
    [source] = account.sources
    assert (source.repeats, source.repeats_in_file, source.doubtful_repeats) == (5, 2, 0)
    assert not [p for p in verdict.problems if p.kind == "repeats"]


@pytest.mark.slow
def test_declared_as_purchases_each_counts_and_a_file_that_comes_again_is_recognised(
    shop: UserShop, load: Load, read
) -> None:
    declared = SHOP.replace("LINE", "article") + "  repeats: add_up\n"
    assert load(declared) == [(5, 5, 0, 0)]
    facts = [("2024-01-01 c1", "a1", 1)] * 3 + [("2024-01-01 c1", "a2", 1)]
    facts.append(("2024-01-02 c2", "a1", 1))
    assert Counter(read(shop.settings.lake, FACTS)) == Counter(facts)
    shop.write("2.csv", HEADER + "\n".join([*LINES, "2024-01-03,c2,a2,7"]) + "\n")
    assert load(declared) == [(5, 0, 5, 0), (6, 6, 0, 0)]
    facts.append(("2024-01-03 c2", "a2", 1))
    assert Counter(read(shop.settings.lake, FACTS)) == Counter(facts)
    account, verdict = _report(shop)
    assert account.sources[0].repeats_in_file == 0
    assert not [p for p in verdict.problems if p.kind == "repeats"]


def test_lines_are_numbered_within_their_order_alike_in_each_file(shop: UserShop) -> None:
    numbered = SHOP.replace("LINE", "{number_within: [day, customer]}")
    shop.declare(numbered + "  where: {article: {not: a2}}\n")
    shop.write("2.csv", HEADER + "\n".join(["2024-01-03,c2,a2,7", *LINES]) + "\n")
    ingest(shop.settings)
    lines = "select order_id, line_no, product_id from raw.transactions where _source_file like ? order by all"
    first = shop.query(lines.replace("?", "'%1.csv'"))
    # the filtered line keeps its number
    assert first == [
        ("2024-01-01 c1", "1", "a1"),
        ("2024-01-01 c1", "2", "a1"),
        ("2024-01-01 c1", "4", "a1"),
        ("2024-01-02 c2", "1", "a1"),
    ]
    assert shop.query(lines.replace("?", "'%2.csv'")) == first
