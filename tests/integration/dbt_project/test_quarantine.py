"""Each rule of staging on one hand-made dirty row, and the account of all of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracles.raw_tables import RawShop

GOOD_USER = {"user_id": "u", "signed_up_at": "2024-01-01T00:00:00Z", "birth_year": "1990"}
GOOD_PRODUCT = {"product_id": "p", "category": "a", "price": "9.99", "in_stock": "true"}
GOOD_RATING = {"user_id": "u", "product_id": "p", "rating": "4", "rated_at": "2024-03-01T00:00:00Z"}
GOOD_LINE = {
    "order_id": "o",
    "line_no": "1",
    "user_id": "u",
    "product_id": "p",
    "quantity": "2",
    "unit_price": "3.50",
    "ordered_at": "2024-03-01T10:00:00+02:00",
}
GOOD_EVENT = {
    "event_id": "e",
    "event_type": "view",
    "user_id": "u",
    "product_id": "p",
    "occurred_at": "2024-03-01 10:00:00",
}

FUTURE = "2025-01-01T00:00:00.000001Z"  # a microsecond after the load
FIVE_MINUTES_AHEAD = "2025-01-01T00:05:00.000001Z"  # and another microsecond
EARLY = "2023-12-31T23:59:59.999999Z"  # a microsecond before the shop opened
LATE = "2024-12-01T00:00:00.000001Z"  # a microsecond after it closed

DIRT: list[tuple[str, dict, str]] = [
    ("users", {"user_id": None}, "missing_user_id"),
    ("users", {"user_id": "  "}, "missing_user_id"),
    ("users", {"user_id": "u1", "birth_year": "abcd"}, "invalid_birth_year"),
    ("users", {"user_id": "u2", "birth_year": "1899"}, "out_of_range_birth_year"),
    ("users", {"user_id": "u3", "birth_year": "2026"}, "out_of_range_birth_year"),
    ("users", {"user_id": "u4", "signed_up_at": "soon"}, "invalid_signed_up_at"),
    (
        "users",
        {"user_id": "u5", "signed_up_at": FUTURE},
        "future_signed_up_at,after_closing_signed_up_at",
    ),
    ("users", {"user_id": "u6", "signed_up_at": EARLY}, "before_opening_signed_up_at"),
    ("products", {"product_id": ""}, "missing_product_id"),
    ("products", {"product_id": "p1", "price": "on request"}, "invalid_price"),
    ("products", {"product_id": "p2", "price": "-0.01"}, "out_of_range_price"),
    ("products", {"product_id": "p3", "price": "1e308"}, "invalid_price"),
    ("products", {"product_id": "p4", "price": "NaN"}, "invalid_price"),
    ("products", {"product_id": "p5", "in_stock": "perhaps"}, "invalid_in_stock"),
    ("products", {"product_id": "p7", "updated_at": "-infinity"}, "invalid_updated_at"),
    ("products", {"product_id": "p8", "updated_at": "1899-12-31Z"}, "invalid_updated_at"),
    ("products", {"product_id": "p9", "updated_at": "1899-12-31"}, "out_of_range_updated_at"),
    ("products", {"product_id": "p6", "updated_at": FUTURE}, "future_updated_at"),
    ("ratings", {"user_id": None}, "missing_user_id"),
    ("ratings", {"product_id": None}, "missing_product_id"),
    ("ratings", {"rating": None}, "missing_rating"),
    ("ratings", {"rating": "five"}, "invalid_rating"),
    ("ratings", {"rating": "0.5"}, "out_of_range_rating"),
    ("ratings", {"rating": "11"}, "out_of_range_rating"),
    ("ratings", {"rating": "5.00004"}, "out_of_range_rating"),  # rounded, it would be 5
    ("ratings", {"rating": "99999.6e-5"}, "out_of_range_rating"),  # and this 1
    ("ratings", {"rating": "0x5"}, "invalid_rating"),
    ("ratings", {"user_id": "gone"}, "unknown_user"),
    ("ratings", {"product_id": "gone"}, "unknown_product"),
    ("ratings", {"rated_at": None}, "missing_rated_at"),
    ("ratings", {"rated_at": EARLY}, "before_opening_rated_at"),
    ("ratings", {"rated_at": LATE}, "after_closing_rated_at"),
    ("ratings", {"rating": "x", "rated_at": "y"}, "invalid_rating,invalid_rated_at"),
    ("transactions", {"order_id": ""}, "missing_order_id"),
    ("transactions", {"line_no": None}, "missing_line_no"),
    ("transactions", {"quantity": "two"}, "invalid_quantity"),
    ("transactions", {"quantity": "0"}, "out_of_range_quantity"),
    ("transactions", {"unit_price": "-5"}, "out_of_range_unit_price"),
    ("transactions", {"ordered_at": "2024-02-30"}, "invalid_ordered_at"),
    ("transactions", {"quantity": "1_0"}, "invalid_quantity"),
    ("transactions", {"ordered_at": "-infinity"}, "invalid_ordered_at"),
    ("transactions", {"ordered_at": "1999-12-31"}, "before_opening_ordered_at"),
    ("transactions", {"ordered_at": "2024-03-01T10:00:00+18:30"}, "invalid_ordered_at"),
    ("transactions", {"user_id": "gone", "product_id": "gone"}, "unknown_user,unknown_product"),
    ("events", {"event_id": None}, "missing_event_id"),
    ("events", {"event_id": "e1", "event_type": "hover"}, "unknown_event_type"),
    ("events", {"event_id": "e2", "event_type": None}, "missing_event_type"),
    ("events", {"event_id": "e3", "occurred_at": "yesterday"}, "invalid_occurred_at"),
    (
        "events",
        {"event_id": "e6", "occurred_at": "2024-03-01 10:00 Asia/Tokyo"},
        "invalid_occurred_at",
    ),
    (
        "events",
        {"event_id": "e4", "occurred_at": FIVE_MINUTES_AHEAD},
        "future_occurred_at,after_closing_occurred_at",
    ),
    ("events", {"event_id": "e5", "product_id": "gone"}, "unknown_product"),
]
GOOD = {
    "users": GOOD_USER,
    "products": GOOD_PRODUCT,
    "ratings": GOOD_RATING,
    "transactions": GOOD_LINE,
    "events": GOOD_EVENT,
}


@pytest.fixture(scope="module")
def dirty(dbt) -> Path:
    rows: dict[str, list[dict]] = {entity: [good] for entity, good in GOOD.items()}
    for entity, spoiled, _ in DIRT:
        rows[entity].append(GOOD[entity] | spoiled)
    # kept: what was named only by quarantined rows, and each border of each range
    rows["users"].append({"user_id": "old", "birth_year": "1900"})
    rows["ratings"].append(GOOD_RATING | {"user_id": "u1", "rating": "1"})
    rows["ratings"].append(GOOD_RATING | {"user_id": "old", "rating": "5"})
    rows["ratings"].append(GOOD_RATING | {"rated_at": "2024-01-01T00:00:00Z"})
    rows["ratings"].append(GOOD_RATING | {"rated_at": "2024-12-01T00:00:00Z"})
    rows["products"].append({"product_id": "free", "price": "0"})
    rows["events"].append(GOOD_EVENT | {"event_id": "bare", "product_id": None})
    # the same record again, and versions of a key; the second batch is the newer one
    rows["users"].append(GOOD_USER | {"_batch_id": "2"})
    rows["products"].insert(0, GOOD_PRODUCT | {"price": "8.99"})
    rows["products"].append(GOOD_PRODUCT | {"title": "Newest", "_batch_id": "2"})
    rows["events"].append(GOOD_EVENT | {"received_at": "2024-03-01T11:00:00Z", "_batch_id": "2"})
    rows["events"].append(GOOD_EVENT | {"event_id": "z", "session_id": "older"})
    rows["events"].append(GOOD_EVENT | {"event_id": "z", "session_id": "newer", "_batch_id": "2"})
    opened = {"opened_at": "2024-01-01T00:00:00Z", "closed_at": "2024-12-01T00:00:00Z"}
    return dbt.build(RawShop(rows, declared=opened))


def test_a_zone_in_one_row_moves_no_other(dirty, read) -> None:
    found = read(
        dirty,
        "select occurred_at, count(*) from staging.stg_events "
        f"where received_occurred_at = '{GOOD_EVENT['occurred_at']}' group by 1",
    )
    assert found == [(datetime(2024, 3, 1, 10), 9)]


@pytest.mark.parametrize("entity", list(GOOD))
def test_each_dirty_row_is_quarantined_with_all_its_reasons(dirty, read, entity: str) -> None:
    expected = sorted(reasons for of, _, reasons in DIRT if of == entity)
    found = read(dirty, f"select reject_reasons from quality.quarantine_{entity}")
    assert sorted(reasons for (reasons,) in found) == expected


def test_a_quarantined_row_is_as_received_and_says_where_it_came_from(dirty, read) -> None:
    found = read(
        dirty,
        "select user_id, signed_up_at, birth_year, _batch_id, _source_file, _record, _loaded_at "
        "from quality.quarantine_users where user_id = 'u1'",
    )
    received = ("u1", "2024-01-01T00:00:00Z", "abcd")
    assert found == [(*received, "users-1", "users-1.csv", 4, datetime(2025, 1, 1))]


def test_a_quarantined_user_does_not_condemn_their_ratings(dirty, read) -> None:
    assert read(dirty, "select user_id from marts.fct_ratings where user_id = 'u1'") == [("u1",)]
    assert read(dirty, "select is_registered from marts.dim_users where user_id = 'u1'") == [
        (False,)
    ]


def test_borders_of_every_range_are_kept(dirty, read) -> None:
    assert read(dirty, "select count(*) from marts.fct_ratings") == [(5,)]
    assert read(dirty, "select price from marts.dim_products where product_id = 'free'") == [(0,)]
    assert read(dirty, "select birth_year from marts.dim_users where user_id = 'old'") == [(1900,)]


def test_offsets_of_times_are_applied(dirty, read) -> None:
    assert read(dirty, "select ordered_at, quantity * unit_price from marts.fct_transactions") == [
        (datetime(2024, 3, 1, 8), 7)
    ]


def test_the_last_record_of_a_key_wins(dirty, read) -> None:
    assert read(dirty, "select title, price from marts.dim_products where product_id = 'p'") == [
        ("Newest", Decimal("9.99"))
    ]
    sessions = "select session_id from marts.fct_events where event_id = 'z'"
    assert read(dirty, sessions) == [("newer",)]


def test_every_record_of_every_batch_is_accounted_for(dirty, read) -> None:
    account = read(
        dirty,
        "select batch_id, accepted, quarantined, deduplicated, superseded "
        "from quality.dq_reconciliation order by batch_id",
    )
    assert account == [
        ("events-1", 1, 7, 1, 1),  # bare; e came again in batch 2, z was replaced there
        ("events-2", 2, 0, 0, 0),
        ("products-1", 1, 10, 0, 2),  # free; two older versions of p
        ("products-2", 1, 0, 0, 0),
        ("ratings-1", 5, 15, 0, 0),
        ("transactions-1", 1, 11, 0, 0),
        ("users-1", 1, 8, 1, 0),  # old; u came again in batch 2
        ("users-2", 1, 0, 0, 0),
    ]


def test_a_shop_may_keep_references_that_its_lists_lack_and_declare_its_clock(dbt, read) -> None:
    rows = {
        "users": [GOOD_USER],
        "products": [GOOD_PRODUCT],
        "ratings": [
            GOOD_RATING | {"product_id": "gone", "rated_at": "1709251200"},
            GOOD_RATING | {"rated_at": "1709251200.5"},
            GOOD_RATING | {"rated_at": "2024-03-01T00:00:00Z"},
            GOOD_RATING | {"rated_at": "1709294401"},
        ],
    }
    declared = {"unknown_references": "keep", "as_of": "2024-03-01T12:00:00Z"}
    lake = dbt.build(RawShop(rows, declared, {"ratings": "epoch_seconds"}), tested=False)
    assert read(lake, "select product_id, rated_at from marts.fct_ratings order by rated_at") == [
        ("gone", datetime(2024, 3, 1)),
        ("p", datetime(2024, 3, 1, 0, 0, 0, 500_000)),
    ]
    assert read(lake, "select reject_reasons from quality.quarantine_ratings order by all") == [
        ("future_rated_at",),
        ("invalid_rated_at",),
    ]
    assert read(lake, "select category from marts.dim_products where product_id = 'gone'") == [
        ("unknown",)
    ]
    assert read(lake, "select as_of from marts.dim_shop") == [(datetime(2024, 3, 1, 12),)]
