"""Write, audit, publish: where too much breaks a rule, nothing of the build is published."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from feature_store.publish.dbt_gate import require_tested
from recomart.errors import TransformFailed
from tests.oracles.raw_tables import RawShop

AT, EPOCH = "2024-03-01T10:00:00Z", "1709287200"
STOPPED = "no_rule_is_broken_more_often_than_the_shop_allows"


def _ratings(good: int, bad: int) -> list[dict]:
    """Ratings of an epoch time, and such in another format than the declared one."""
    times = [EPOCH] * good + [AT] * bad
    return [
        {"user_id": "u0", "product_id": f"p{n}", "rating": "4", "rated_at": time}
        for n, time in enumerate(times)
    ]


def _lines(good: int, bad: int) -> list[dict]:
    line = {"line_no": "1", "user_id": "u0", "product_id": "p0", "ordered_at": AT}
    quantities = ["1"] * good + ["none"] * bad
    return [line | {"order_id": n, "quantity": text} for n, text in enumerate(quantities)]


def _events(good: int, bad: int) -> list[dict]:
    event = {"user_id": "u0", "product_id": "p0", "occurred_at": AT}
    types = ["view"] * good + ["hover"] * bad
    return [event | {"event_id": n, "event_type": kind} for n, kind in enumerate(types)]


@pytest.fixture(scope="module")
def stopped(dbt) -> tuple[Path, dict[str, str]]:
    """A lake after a complete build, and the status of its nodes."""
    users = [{"user_id": f"u{n}", "birth_year": year} for n, year in enumerate([1990] * 3 + [1700])]
    products = [{"product_id": f"p{n}", "price": 5} for n in range(38)]
    products += [{"product_id": "a", "price": "?"}, {"product_id": "b", "price": "?"}]
    rows = {
        "users": users,
        "products": products,
        "ratings": _ratings(good=19, bad=20),  # more than half, and twenty
        "transactions": _lines(good=1, bad=19),  # fewer than twenty
        "events": _events(good=20, bad=20),  # not more than half
    }
    rules = {
        "users": {"stop_above": 0.25, "columns": {"birth_year": {"stop_above": 0.25}}},
        "products": {
            "stop_above": 0.05,
            "columns": {"price": {"stop_above": {"type": 0.04}}},
        },
    }
    shop = RawShop(
        rows,
        {"unknown_references": "keep"},
        time_formats={"ratings": "epoch_seconds"},
        rules=rules,
    )
    lake = dbt.new_lake(shop)
    return lake, dbt.run(lake, "build", "--exclude", "resource_type:unit_test")


def test_a_stop_names_the_rule_or_the_entity_and_what_it_found(stopped, read) -> None:
    stops = read(
        stopped[0], "select rule_id, entity, share, stop_above, words from quality.dq_stops"
    )
    assert sorted(stops) == [
        ("products.price.type", "products", 0.05, 0.04, "A product's price is a number."),
        (
            "ratings",
            "ratings",
            0.512821,  # 20 of 39
            0.5,
            "20 of 39 records of ratings are quarantined; most of them break: "
            "A rating's time is a time that can be read.",
        ),
    ]


def test_after_a_stop_nothing_is_published(stopped) -> None:
    lake, status = stopped
    failed = {name for name, s in status.items() if s not in ("success", "pass", "no-op")}
    assert failed == {STOPPED}
    with (
        closing(duckdb.connect(str(lake / "warehouse.duckdb"), read_only=True)) as connection,
        pytest.raises(TransformFailed, match="nothing was published"),
    ):
        require_tested(connection)


def test_a_share_that_the_shop_raises_lets_it_pass(dbt, stopped, read) -> None:
    lake, _ = stopped
    raised = RawShop(
        {"ratings": [], "products": []},
        rules={"ratings": {"stop_above": 0.6}, "products": {"stop_above": 1}},
    )
    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        connection.execute("delete from raw._shop")
        raised.declare(connection)
    assert dbt.run(lake, "build", "--select", "dq_rules+", "dq_stops")[STOPPED] == "pass"
    assert read(lake, "select * from quality.dq_stops") == []
