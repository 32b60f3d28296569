"""A shop may lack any entity, as long as it has one of ratings, transactions or events."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.oracles.raw_tables import RawShop

AT = "2024-03-01T10:00:00Z"
NEXT_DAY = "2024-03-02T00:00:00Z"


def _newest(read, lake, columns: str, table: str) -> list[tuple]:
    return read(
        lake,
        f"select {columns} from features.{table} "
        "where event_timestamp = (select max(event_timestamp) from features.ftr_users)",
    )


def test_events_alone_build_and_their_purchases_count(dbt, read) -> None:
    events = [
        {"event_id": 1, "event_type": "view", "user_id": "u", "product_id": "p", "occurred_at": AT},
        {"event_id": 2, "event_type": "purchase", "user_id": "u", "product_id": "p"}
        | {"occurred_at": AT},
        {"event_id": 3, "event_type": "view", "user_id": "u", "occurred_at": NEXT_DAY},
    ]
    lake = dbt.build(RawShop({"events": events}))
    assert _newest(
        read, lake, "user_views_7d, user_purchases_7d, user_orders_90d", "ftr_users"
    ) == [(1, 1, 1)]
    # view 1 and purchase 5: 1 + 4 * 6/9
    assert read(lake, "select label, label_kind from features.lbl_interactions") == [
        (3.666667, "affinity")
    ]
    assert read(lake, "select user_id, product_id, times from marts.fct_user_products") == [
        ("u", "p", 1)
    ]


def test_transactions_alone_build_and_name_users_and_products(dbt, read) -> None:
    line = {"order_id": "o", "user_id": "u", "product_id": "p", "ordered_at": AT}
    lines = [
        line | {"line_no": 1, "quantity": 2, "unit_price": "1.10"},
        line | {"line_no": 2, "ordered_at": NEXT_DAY},
    ]
    lake = dbt.build(RawShop({"transactions": lines}))
    assert _newest(read, lake, "user_spend_90d, user_orders_90d", "ftr_users") == [
        (Decimal("2.2"), 1)
    ]
    assert read(lake, "select category, is_in_catalogue from marts.dim_products") == [
        ("unknown", False)
    ]
    assert read(lake, "select has_ratings, as_of from marts.dim_shop") == [
        (False, datetime(2024, 3, 2))
    ]


@pytest.fixture(scope="module")
def ratings_alone(dbt) -> Path:
    ratings = [
        {"user_id": "u", "product_id": "p", "rating": "4.5", "rated_at": AT},
        {"user_id": "v", "product_id": "p", "rating": "2", "rated_at": NEXT_DAY},
    ]
    return dbt.build(RawShop({"ratings": ratings}))


def test_ratings_alone_build_and_are_the_labels(ratings_alone, read) -> None:
    labels = "select user_id, label, label_kind from features.lbl_interactions order by user_id"
    assert read(ratings_alone, labels) == [("u", 4.5, "rating"), ("v", 2.0, "rating")]
    columns = "product_ratings_count, product_ratings_sum"
    assert _newest(read, ratings_alone, columns, "ftr_products") == [(1, Decimal("4.5"))]


def test_unit_tests_of_the_models_pass(dbt, ratings_alone) -> None:
    status = dbt.run(ratings_alone, "test", "--select", "test_type:unit")
    assert len(status) >= 4
    assert set(status.values()) <= {"pass", "success"}


def test_a_record_that_went_missing_fails_the_build(dbt, ratings_alone) -> None:
    with closing(duckdb.connect(str(ratings_alone / "warehouse.duckdb"))) as connection:
        connection.execute("update raw._loads set records = records + 1, lines = lines + 1")
    status = dbt.run(ratings_alone, "build", "--select", "dq_reconciliation")
    assert status["dq_reconciles"] == "fail"
