from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from feature_store import derived_feature
from feature_store.derivation import DERIVED_FEATURES, derive, derived_features, transformation
from feature_store.derived import (
    product_mean_rating,
    product_views_trend,
    ratio,
    user_category_share_90d,
    user_rating_std,
)
from feature_store.derived_feature import Column, DerivedFeature, Prior, derived
from feature_store.times import datetimes, epoch_seconds
from recomart.errors import ExtensionError

PRIOR = Prior(rating=3.0, weight=5.0)


def stored_row(**changed: object) -> pd.DataFrame:
    row = {
        "as_of": pd.Timestamp("2024-03-11 12:00:00"),
        "user_last_activity_at": pd.Timestamp("2024-03-10 00:00:00"),
        "user_signed_up_at": pd.Timestamp("2024-03-01 12:00:00"),
        "user_ratings_count": 3,
        "user_ratings_sum": 12.0,
        "user_ratings_sum_sq": 50.0,
        "user_interactions_90d": 8,
        "product_first_seen_at": pd.Timestamp("2024-02-10 12:00:00"),
        "product_ratings_count": 5,
        "product_ratings_sum": 25.0,
        "product_purchases_30d": 3,
        "product_views_30d": 30,
        "product_views_7d": 14,
        "user_category_interactions_90d": 2,
    }
    return pd.DataFrame([row | changed])


def test_derived_features_of_a_row_equal_those_worked_by_hand() -> None:
    derived = derive(stored_row(), PRIOR).iloc[0].to_dict()

    assert derived == pytest.approx(
        {
            "user_days_since_last_activity": 1.5,
            "user_tenure_days": 10.0,
            "user_mean_rating": 4.0,
            "user_rating_std": math.sqrt(50 / 3 - 16),  # ratings 3, 4, 5
            "product_age_days": 30.0,  # 2024 is a leap year
            "product_mean_rating": 4.0,  # (25 + 5 * 3) / (5 + 5)
            "product_conversion_30d": 0.1,
            "product_views_trend": (2 + 0.1) / (1 + 0.1),
            "user_category_share_90d": 0.25,
        }
    )
    assert list(derived) == list(DERIVED_FEATURES)


def test_unknown_user_and_product_have_no_derived_feature() -> None:
    unknown = stored_row(**dict.fromkeys(stored_row().columns, None))
    unknown["as_of"] = pd.Timestamp("2024-03-11")

    assert derive(unknown, PRIOR).isna().all(axis=None)


def test_times_with_a_zone_and_seconds_since_1970_give_the_same() -> None:
    naive = stored_row()
    times = ["as_of", "user_last_activity_at", "user_signed_up_at", "product_first_seen_at"]
    zoned, numbers = naive.copy(), naive.copy()
    for name in times:
        zoned[name] = naive[name].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
        numbers[name] = naive[name].astype("datetime64[s]").astype("int64")

    pd.testing.assert_frame_equal(derive(zoned, PRIOR), derive(naive, PRIOR))
    pd.testing.assert_frame_equal(derive(numbers, PRIOR), derive(naive, PRIOR))


def test_times_count_in_whole_seconds_rounded_down() -> None:
    times = pd.Series(pd.to_datetime(["1970-01-01 00:00:01.999999", "1969-12-31 23:59:59.5", None]))

    np.testing.assert_array_equal(epoch_seconds(times), [1.0, -1.0, np.nan])


@pytest.mark.parametrize("count", [2, 3, 10, 1000])
def test_missing_times_do_not_depend_on_what_the_memory_held_before(count: int) -> None:
    """pandas 2.3's to_datetime(floats, unit="s") fails on the first two of these sizes."""
    seconds = np.full(count, 1.5e9)
    seconds[0], seconds[-1] = -0.5, np.nan
    for _ in range(50):
        poison = [np.full(count, 1e308) for _ in range(8)]
        del poison
        times = datetimes(seconds)

        assert times[0] == np.datetime64("1969-12-31T23:59:59")
        assert np.isnat(times[-1])
        assert not np.isnat(times[:-1]).any()
        np.testing.assert_array_equal(epoch_seconds(pd.Series(times)), np.floor(seconds))


def test_a_column_without_any_time_is_missing_everywhere() -> None:
    np.testing.assert_array_equal(epoch_seconds(pd.Series([None, None])), [np.nan, np.nan])


def test_ratio_is_undefined_for_nothing_and_for_the_unknown() -> None:
    part, whole = np.array([3.0, 0.0, np.nan]), np.array([0.0, 4.0, 2.0])

    np.testing.assert_array_equal(ratio(part, whole), [np.nan, 0.0, np.nan])


def test_the_deviation_of_equal_ratings_is_zero_despite_rounding() -> None:
    count, total = np.array([3.0, 0.0]), np.array([0.3, 0.0])
    squares = np.array([3 * 0.1 * 0.1 - 1e-17, 0.0])

    np.testing.assert_array_equal(user_rating_std(count, total, squares), [0.0, np.nan])


def test_a_products_mean_rating_starts_at_the_prior_and_moves_with_ratings() -> None:
    count, total = np.array([0.0, 5.0, 95.0, np.nan]), np.array([0.0, 25.0, 475.0, np.nan])

    np.testing.assert_allclose(product_mean_rating(count, total, PRIOR), [3.0, 4.0, 4.9, np.nan])


def test_a_products_mean_rating_is_undefined_for_a_shop_without_a_scale() -> None:
    no_scale = Prior(rating=math.nan, weight=5.0)

    assert np.isnan(product_mean_rating(np.array([0.0]), np.array([0.0]), no_scale)).all()


def test_trend_is_one_when_steady_and_when_there_are_no_views() -> None:
    views_7d, views_30d = np.array([7.0, 0.0, 700.0]), np.array([30.0, 0.0, 700.0])

    np.testing.assert_allclose(
        product_views_trend(views_7d, views_30d), [1.0, 1.0, (100 + 0.1) / (700 / 30 + 0.1)]
    )


def test_a_category_never_met_has_a_share_of_zero_if_the_user_is_known() -> None:
    np.testing.assert_array_equal(
        user_category_share_90d(np.array([np.nan, np.nan, 1.0]), np.array([4.0, np.nan, 0.0])),
        [0.0, np.nan, np.nan],
    )


def test_the_transformations_source_alone_gives_the_same_as_derive() -> None:
    prior = Prior(rating=0.1 + 0.2, weight=5.0)
    function, source = transformation(prior)
    namespace: dict = {}
    exec(source, namespace)

    pd.testing.assert_frame_equal(function(stored_row()), derive(stored_row(), prior))
    pd.testing.assert_frame_equal(namespace["derived"](stored_row()), derive(stored_row(), prior))


def test_another_prior_is_another_source() -> None:
    sources = {transformation(Prior(rating, 5.0))[1] for rating in (3.0, 3.5, math.nan)}

    assert len(sources) == 3


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, DerivedFeature]:
    """The derived features, to which a test may add."""
    own = dict(derived_features())
    monkeypatch.setattr(derived_feature, "_registered", own)
    return own


def test_a_function_says_all_that_is_known_of_a_derived_feature(registry) -> None:
    @derived
    def user_orders_per_day(as_of: Column, user_orders_90d: Column, prior: Prior) -> Column:
        """Orders for each
        day; never undefined.

        More words.

        Unit: orders
        per day.
        """
        return user_orders_90d / 90 + prior.weight + as_of

    feature = registry["user_orders_per_day"]
    assert feature.inputs == ("user_orders_90d",)
    assert feature.description == "Orders for each day; never undefined."
    assert feature.unit == "orders per day."
    assert feature.where.startswith(__file__)
    assert DERIVED_FEATURES["user_orders_per_day"] == ("user_orders_90d",)
    row = pd.DataFrame({"as_of": [1.0], "user_orders_90d": [180]})
    assert derive(row, PRIOR).to_dict("list") == {"user_orders_per_day": [2.0 + 5.0 + 1.0]}


def test_each_derived_feature_has_a_description_and_a_unit() -> None:
    for feature in derived_features().values():
        assert feature.description.endswith("."), feature.name
        assert feature.unit.endswith("."), feature.name


def refused(function: Callable[..., Column]) -> ExtensionError:
    with pytest.raises(ExtensionError) as caught:
        derived(function)
    assert str(caught.value.where).startswith(f"{__file__}:")
    assert function.__name__ in caught.value.message
    return caught.value


def test_a_derived_feature_without_a_docstring_is_refused(registry) -> None:
    def user_x(user_views_7d: Column) -> Column:
        return user_views_7d

    assert "has no description" in refused(user_x).message
    user_x.__doc__ = "Unit: views."
    assert "has no description" in refused(user_x).message
    user_x.__doc__ = "Views."
    assert "has no unit" in refused(user_x).message


def test_a_derived_feature_belongs_to_what_its_inputs_belong_to(registry) -> None:
    def age_days(user_signed_up_at: Column) -> Column:
        """Age.

        Unit: days.
        """
        return user_signed_up_at

    def product_mixed(product_views_7d: Column, user_views_7d: Column) -> Column:
        """Both.

        Unit: views.
        """
        return product_views_7d + user_views_7d

    def user_nothing(as_of: Column) -> Column:
        """The time.

        Unit: seconds.
        """
        return as_of

    def user_mistyped(asof: Column, user_signed_up_at: Column) -> Column:
        """Age.

        Unit: days.
        """
        return asof - user_signed_up_at

    assert "user_category_, user_, product_" in str(refused(age_days).help)
    assert refused(product_mixed).found == "user_views_7d"
    assert "made from nothing" in refused(user_nothing).message
    assert "did you mean as_of?" in str(refused(user_mistyped).help)


def test_two_derived_features_of_one_name_are_refused(registry) -> None:
    def user_tenure_days(user_signed_up_at: Column) -> Column:
        """Another one.

        Unit: days.
        """
        return user_signed_up_at

    error = refused(user_tenure_days)
    assert "derived.py:" in str(error.found)


def test_a_derived_feature_that_is_no_column_is_an_error_that_names_it(registry) -> None:
    @derived
    def user_total(user_views_7d: Column) -> Column:
        """One number for all rows.

        Unit: views.
        """
        return user_views_7d.sum()

    with pytest.raises(ExtensionError, match='"user_total" gives no column of 2 values'):
        derive(pd.DataFrame({"as_of": [1.0, 1.0], "user_views_7d": [1, 2]}), PRIOR)


def test_what_cannot_be_made_of_the_columns_at_hand_is_left_out() -> None:
    found = derive(stored_row().drop(columns=["product_views_7d", "user_ratings_sum"]), PRIOR)

    assert set(DERIVED_FEATURES) - set(found.columns) == {
        "product_views_trend",
        "user_mean_rating",
        "user_rating_std",
    }
