"""The features that change by themselves or by division: computed at the lookup, never stored.

To add one, write a function here: its name is the feature's, its parameters are the stored columns
that it takes, its docstring is its description. It is then in Feast's history, in
`get_online_features`, in the online lookup and in what models learn from.

Each parameter is a column of n doubles, NaN where a value is missing; times, whose names end in
`_at`, are whole seconds since 1970. Two more may be asked for: `as_of`, the instants that the n rows
are about, and `prior`, the shop's prior of a mean rating.
"""

from __future__ import annotations

import numpy as np

from feature_store.derived_feature import Column, Prior, derived

DAY = 86_400.0
"""Seconds."""

PSEUDO_VIEWS_PER_DAY = 0.1


@derived
def user_days_since_last_activity(as_of: Column, user_last_activity_at: Column) -> Column:
    """Time since the user's last event; undefined for a user without any.

    Unit: days.
    """
    return (as_of - user_last_activity_at) / DAY


@derived
def user_tenure_days(as_of: Column, user_signed_up_at: Column) -> Column:
    """Time since the user signed up; undefined where that is not known.

    Unit: days.
    """
    return (as_of - user_signed_up_at) / DAY


@derived
def user_mean_rating(user_ratings_sum: Column, user_ratings_count: Column) -> Column:
    """Mean of the user's ratings; undefined without any.

    Unit: the shop's rating scale.
    """
    return ratio(user_ratings_sum, user_ratings_count)


@derived
def user_rating_std(
    user_ratings_count: Column, user_ratings_sum: Column, user_ratings_sum_sq: Column
) -> Column:
    """Population standard deviation of the user's ratings; undefined without any.

    sqrt(sum_sq / n - (sum / n)^2), with the difference kept at 0 or above against rounding.

    Unit: the shop's rating scale.
    """
    mean = ratio(user_ratings_sum, user_ratings_count)
    variance = ratio(user_ratings_sum_sq, user_ratings_count) - mean**2
    return np.sqrt(np.maximum(variance, 0.0))


@derived
def product_age_days(as_of: Column, product_first_seen_at: Column) -> Column:
    """Time since the product was first seen in the catalogue or in an event.

    Unit: days.
    """
    return (as_of - product_first_seen_at) / DAY


@derived
def product_mean_rating(
    product_ratings_count: Column, product_ratings_sum: Column, prior: Prior
) -> Column:
    """Mean of the product's ratings, as if `prior.weight` ratings of `prior.rating` came first.

    (sum + weight * rating) / (count + weight): the prior itself for a product without ratings,
    undefined for a product that is not known and in a shop without a rating scale.

    Unit: the shop's rating scale.
    """
    return ratio(
        product_ratings_sum + prior.weight * prior.rating, product_ratings_count + prior.weight
    )


@derived
def product_conversion_30d(product_purchases_30d: Column, product_views_30d: Column) -> Column:
    """Purchases for each view in the 30 days before event_timestamp; undefined without a view.

    Unit: purchases per view, 0 or more.
    """
    return ratio(product_purchases_30d, product_views_30d)


@derived
def product_views_trend(product_views_7d: Column, product_views_30d: Column) -> Column:
    """Views per day over 7 days against those over 30, each with a pseudo-count added.

    (views_7d / 7 + k) / (views_30d / 30 + k), k = 0.1 views a day: 1.0 is steady (or no views at
    all), at most 4.3; a single view moves it little. Undefined for a product that is not known.

    Unit: ratio, 0 to 4.3.
    """
    recent = product_views_7d / 7 + PSEUDO_VIEWS_PER_DAY
    return recent / (product_views_30d / 30 + PSEUDO_VIEWS_PER_DAY)


@derived
def user_category_share_90d(
    user_category_interactions_90d: Column, user_interactions_90d: Column
) -> Column:
    """The category's part of the user's interactions in 90 days; undefined for a user without any.

    A user and category without a row never met: that is 0 interactions, not an unknown number.

    Unit: share, 0 to 1.
    """
    return ratio(np.nan_to_num(user_category_interactions_90d, nan=0.0), user_interactions_90d)


def ratio(part: Column, whole: Column) -> Column:
    """part / whole, NaN where whole is 0 or either is missing."""
    share: Column = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
    return share
