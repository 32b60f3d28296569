"""Every planted piece of dirt ends where dirt_truth.json says, and no clean row is touched."""

from collections import Counter

import numpy as np
import pytest

from recomart.settings import Settings
from recomart.shop.entities import ENTITIES, KEYS
from recomart.warehouse import warehouse
from tests.oracles.planted_dirt import Followed, differences, follow, good_records, truth_of


@pytest.fixture(scope="module")
def followed(demo_lake: Settings) -> list[Followed]:
    return follow(demo_lake)


@pytest.mark.parametrize("entity", ENTITIES)
def test_planted_rows_end_where_the_truth_says(followed: list[Followed], entity: str) -> None:
    wrong = [one for one in followed if one.entity == entity and one.told != one.found]
    assert wrong == []
    outcomes = {one.told.partition(":")[0] for one in followed if one.entity == entity}
    assert outcomes >= {"rejected", "quarantined", "deduplicated", "superseded", "kept"}


def test_nothing_is_rejected_or_set_aside_but_what_was_planted(followed: list[Followed]) -> None:
    assert [one for one in followed if one.kind == "clean"] == []


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_other_row_is_accepted_as_it_was_received(demo_lake: Settings, entity: str) -> None:
    good, lost_or_changed, unexplained = differences(demo_lake, entity)
    assert good > 200
    assert (lost_or_changed, unexplained) == ([], [])


def test_flags_are_those_that_were_planted_and_what_is_as_far_out(demo_lake: Settings) -> None:
    """Clean quantities and countries are ordinary. Prices and brands may not be: numpy and a count
    of the catalogue file say which (fences three interquartile ranges out; fewer than three)."""
    planted = Counter(
        entry["reason"] for entry in truth_of(demo_lake) if entry["outcome"] == "flagged"
    )
    products = list(good_records(demo_lake, "products"))
    prices = np.array([product["price"] for product in products], float)
    first, third = np.percentile(prices, [25, 75])
    far = (prices < first - 3 * (third - first)) | (prices > third + 3 * (third - first))
    brands = Counter(product["brand"] for product in products if product["brand"])
    expected = {
        "unusual_quantity": planted["unusual_quantity"],
        "rare_country": planted["rare_country"],
        "unusual_price": int(far.sum()),
        "rare_brand": sum(count for count in brands.values() if count < 3),
    }
    with warehouse(demo_lake, read_only=True) as connection:
        flagged = connection.execute("select code, count(*) from quality.dq_flags group by code")
        assert dict(flagged.fetchall()) == expected
    assert all(expected[code] >= count >= 1 for code, count in planted.items())


def test_every_kind_is_planted(demo_lake: Settings) -> None:
    """The kinds that a shop's data can have, per entity where they make sense."""
    planted = {(entry["entity"], entry["kind"]) for entry in truth_of(demo_lake)}
    everywhere = ("missing_key", "exact_duplicate", "duplicate_key", "wrong_type", "future_time")
    facts = ("ratings", "transactions", "events")
    expected = {(entity, kind) for entity in KEYS for kind in (*everywhere, "hostile_text")}
    expected |= {(entity, "missing_value") for entity in KEYS}
    expected |= {(entity, "out_of_range") for entity in KEYS if entity != "events"}
    expected |= {(entity, kind) for entity in facts for kind in ("unknown_user", "unknown_product")}
    expected |= {
        (entity, kind)
        for entity in ("users", *facts)
        for kind in ("wrong_encoding", "before_opening")
    }
    expected |= {
        ("events", "unknown_type"),
        ("events", "cut_off_line"),
        ("products", "broken_line"),
    }
    expected |= {(entity, "too_few_fields") for entity in ("users", "ratings", "transactions")}
    expected |= {("products", "outlier"), ("transactions", "outlier"), ("products", "rare_value")}
    expected |= {("users", "quarantined_user"), ("ratings", "quarantined_user")}
    assert expected - planted == set()


def test_ratings_of_a_quarantined_user_are_accepted(demo_lake: Settings) -> None:
    with warehouse(demo_lake, read_only=True) as connection:
        [(in_quarantine, ratings)] = connection.execute(
            "select (select count(*) from quality.quarantine_users where user_id = 'u-1492'),"
            "(select count(*) from marts.fct_ratings where user_id = 'u-1492')"
        ).fetchall()
    assert min(in_quarantine, ratings) >= 1
