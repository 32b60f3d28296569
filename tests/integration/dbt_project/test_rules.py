"""Declared rules in dbt: each on hand-made rows, with both sides of every bound."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.oracles.raw_tables import RawShop

AT = "2024-03-01T10:00:00Z"
HOSTILE = """it's "so" {{ 7 * 7 }}; drop table products; --"""

# Eight accepted prices. Quartiles lie at 1.75 and 5.25 steps from the first: 27.5 and 62.5, so the
# fences are 27.5 - 1.5 * 35 = -25 and 62.5 + 1.5 * 35 = 115.
PRICES = ["10", "20", "30", "40", "50", "60", "70"]
ON_THE_FENCE, BEYOND = "115", "115.00010"

RULES = {
    "users": {
        "columns": {
            "country": {"required": True},
            "signed_up_at": {"range": ["2024-01-01", "2024-01-31T00:00:00+01:00"]},
            "birth_year": {"usual": "iqr"},
        }
    },
    "products": {
        "columns": {
            "title": {"one_of": ["plain", HOSTILE]},
            "category": {"missing": {"fill": "none's"}, "because": "Some have none."},
            "brand": {"rare_below": 3},
            "price": {"usual": "iqr"},
            "in_stock": {"missing": {"fill": False}},
        }
    },
    "transactions": {
        "columns": {
            "quantity": {"usual": {"iqr": 3}, "missing": {"fill": 2.5}},
            "unit_price": {"usual": "iqr"},
            "line_no": {"one_of": ["1", "2"]},
        }
    },
    "events": {
        "columns": {
            "product_id": {"reference": "keep"},
            "event_type": {"one_of": ["view", "click"]},
            "session_id": {"required": True},
        }
    },
}


def _rows() -> dict[str, list[dict]]:
    user = {"country": "DE", "signed_up_at": "2024-01-15T00:00:00Z", "birth_year": "1990"}
    users = [user | {"user_id": f"u{n}"} for n in range(4)] + [
        user | {"user_id": "young", "birth_year": "2020"},
        user | {"user_id": "no country", "country": " "},
        user | {"user_id": "first", "signed_up_at": "2024-01-01T00:00:00Z"},
        user | {"user_id": "last", "signed_up_at": "2024-01-30T23:00:00Z"},
        user | {"user_id": "early", "signed_up_at": "2023-12-31T23:59:59.999999Z"},
        user | {"user_id": "late", "signed_up_at": "2024-01-30T23:00:00.000001Z"},
    ]
    product = {"title": "plain", "category": "a", "brand": "often", "in_stock": "true"}
    products = [product | {"product_id": f"p{n}", "price": p} for n, p in enumerate(PRICES)] + [
        product | {"product_id": "fence", "price": ON_THE_FENCE},
        # neither of these moves the fences: quarantined, an older version, a copy
        product | {"product_id": "negative", "price": "-1"},
        product | {"product_id": "unlisted", "title": "other", "price": "1000000"},
        product | {"product_id": "p0", "price": "99999", "_batch_id": "0"},
        product | {"product_id": "p1", "price": "20", "_batch_id": "2"},
    ]
    products[2] |= {"title": HOSTILE, "category": "  ", "in_stock": None}
    products[3] |= {"category": None, "brand": None}
    products[4]["brand"] = products[5]["brand"] = "twice"
    lines = [
        {"order_id": f"o{n}", "line_no": "1", "user_id": "u0", "product_id": "p0"}
        | {"ordered_at": AT, "quantity": "1", "unit_price": price}
        for n, price in enumerate([*PRICES, BEYOND])
    ]
    lines[0]["quantity"] = None
    lines[1]["quantity"] = "9"
    lines.append(lines[2] | {"order_id": "third", "line_no": "3"})
    event = {"event_type": "view", "user_id": "u0", "product_id": "p0", "occurred_at": AT}
    events = [event | {"event_id": n, "session_id": "s"} for n in range(3)]
    events += [
        event | {"event_id": "gone", "session_id": "s", "product_id": "gone"},
        event | {"event_id": "cart", "session_id": "s", "event_type": "add_to_cart"},
        event | {"event_id": "no visit"},
    ]
    return {"users": users, "products": products, "transactions": lines, "events": events}


@pytest.fixture(scope="module")
def ruled(dbt) -> Path:
    lake = dbt.new_lake(RawShop(_rows(), rules=RULES))
    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        connection.execute(
            "insert into raw._loads (batch_id, source, entity, source_file, sha256, bytes, status, "
            "error, finished_at) values ('users-9', 'files', 'users', 'users-9.csv', 'abc', 7, "
            "'failed', 'not one line could be read', timestamp '2025-01-01')"
        )
    dbt.rebuild(lake)
    return lake


def test_declared_rules_quarantine_on_any_column(ruled, read) -> None:
    reasons = [
        f"select '{entity}', {key}, reject_reasons from quality.quarantine_{entity}"
        for entity, key in [
            ("users", "user_id"),
            ("products", "product_id"),
            ("transactions", "order_id"),
            ("events", "event_id"),
        ]
    ]
    assert set(read(ruled, " union all ".join(reasons))) == {
        ("users", "no country", "missing_country"),
        ("users", "early", "out_of_range_signed_up_at"),
        ("users", "late", "out_of_range_signed_up_at"),
        ("products", "negative", "out_of_range_price"),
        ("products", "unlisted", "unknown_title"),
        ("transactions", "third", "unknown_line_no"),
        ("events", "cart", "unknown_event_type"),
        ("events", "no visit", "missing_session_id"),
    }


def test_a_reference_that_is_kept_is_counted(ruled, read) -> None:
    assert read(ruled, "select 1 from marts.fct_events where product_id = 'gone'") == [(1,)]
    counted = "select outcome, checked, failed from quality.dq_rules where rule_id = "
    assert read(ruled, counted + "'events.product_id.reference'") == [("kept", 4, 1)]


def test_soft_rules_flag_what_lies_beyond_the_bounds_of_accepted_rows(ruled, read) -> None:
    assert read(
        ruled, "select rule_id, low, high from intermediate.int_rules__bounds order by 1"
    ) == [
        ("products.price.usual", -25.0, 115.0),
        # half of them are equal: there is no width to measure by
        ("transactions.quantity.usual", None, None),
        ("transactions.unit_price.usual", -25.0, 115.0),
        ("users.birth_year.usual", None, None),
    ]
    flags = "select entity, _batch_id, _record, column_name, code, value from quality.dq_flags"
    assert sorted(read(ruled, flags)) == [
        ("products", "products-1", 5, "brand", "rare_brand", "twice"),
        ("products", "products-1", 6, "brand", "rare_brand", "twice"),
        ("transactions", "transactions-1", 8, "unit_price", "unusual_unit_price", BEYOND),
    ]
    assert read(ruled, "select count(*) from marts.fct_transactions where unit_price > 115") == [
        (1,)
    ]


def test_missing_values_are_filled_where_the_shop_says_so(ruled, read) -> None:
    products = "select title, category, in_stock, brand from marts.dim_products where product_id = "
    assert read(ruled, products + "'p2'") == [(HOSTILE, "none's", False, "often")]
    assert read(ruled, products + "'p3'") == [("plain", "none's", True, None)]
    quantity = "select quantity from marts.fct_transactions where order_id = 'o0'"
    assert read(ruled, quantity) == [(Decimal("2.5"),)]
    counted = (
        "select rule_id, outcome, checked, failed, share from quality.dq_rules "
        "where kind = 'missing' and failed > 0 and column_name not in "
        "('received_at', 'currency', 'updated_at') order by rule_id"
    )
    assert read(ruled, counted) == [
        ("products.brand.missing", "kept", 8, 1, 0.125),
        ("products.category.missing", "filled", 8, 2, 0.25),
        ("products.in_stock.missing", "filled", 8, 1, 0.125),
        ("transactions.line_total.missing", "kept", 8, 8, 1.0),
        ("transactions.quantity.missing", "filled", 8, 1, 0.125),
    ]


def test_every_rule_counts_what_it_met(ruled, read) -> None:
    counted = read(
        ruled,
        "select rule_id, checked, failed, because from quality.dq_rules "
        "where failed > 0 and kind <> 'missing' order by rule_id",
    )
    assert counted == [
        ("events.event_type.one_of", 6, 1, None),
        ("events.product_id.reference", 4, 1, None),
        ("events.session_id.required", 6, 1, None),
        ("products.brand.rare", 8, 2, None),
        ("products.copies", 12, 1, None),
        ("products.price.range", 12, 1, None),
        ("products.title.one_of", 12, 1, None),
        ("products.versions", 12, 1, None),
        ("transactions.line_no.one_of", 9, 1, None),
        ("transactions.unit_price.usual", 8, 1, None),
        ("users.country.required", 10, 1, None),
        ("users.signed_up_at.range", 10, 2, None),
    ]
    because = "select because from quality.dq_rules where rule_id = 'products.category.missing'"
    assert read(ruled, because) == [("Some have none.",)]


def test_a_failed_batch_is_in_the_account_and_has_no_records(ruled, read) -> None:
    found = read(
        ruled,
        "select status, sha256, bytes, error, lines, received, accepted, quarantined "
        "from quality.dq_reconciliation where batch_id = 'users-9'",
    )
    assert found == [("failed", "abc", 7, "not one line could be read", None, None, None, None)]


def test_a_lake_that_was_declared_otherwise_says_what_to_do(dbt) -> None:
    lake = dbt.new_lake(RawShop({"events": []}))
    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        connection.execute("delete from raw._shop where key = 'declaration'")
    with pytest.raises(AssertionError, match="recomart transform"):
        dbt.run(lake, "run", "--select", "stg_users")


def test_a_lake_without_data_says_what_to_do(dbt) -> None:
    lake = dbt.new_lake(RawShop({"events": []}))
    with closing(duckdb.connect(str(lake / "warehouse.duckdb"))) as connection:
        connection.execute("drop schema raw cascade")
    with pytest.raises(AssertionError, match="recomart ingest"):
        dbt.run(lake, "run", "--select", "stg_users")
