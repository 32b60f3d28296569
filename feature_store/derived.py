"""Features that change by themselves or by division: computed at the lookup, never stored.

One code for Feast's on-demand view (training, `get_online_features`) and for serving: the columns
are those of the views in `recommendation_v1` with `as_of`, the instant that is asked about.

Times count in whole seconds, since that is what Feast's online store keeps: history and online
lookup then agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd  # 0.4 s to import: the online lookup does without

SERVICE = "recommendation_v1"
"""The feature service that models learn from and recommendations are made with."""

FIRST_SERVICE = "recommendation_v1"
"""The service whose on-demand view has no version in its name."""

VIEW = "derived"
REQUEST = "request"
REQUEST_COLUMN = "as_of"
DAY = 86_400.0
PSEUDO_VIEWS_PER_DAY = 0.1

DERIVED_FEATURES: dict[str, tuple[str, ...]] = {
    "user_days_since_last_activity": ("user_last_activity_at",),
    "user_tenure_days": ("user_signed_up_at",),
    "user_mean_rating": ("user_ratings_sum", "user_ratings_count"),
    "user_rating_std": ("user_ratings_count", "user_ratings_sum", "user_ratings_sum_sq"),
    "product_age_days": ("product_first_seen_at",),
    "product_mean_rating": ("product_ratings_count", "product_ratings_sum"),
    "product_conversion_30d": ("product_purchases_30d", "product_views_30d"),
    "product_views_trend": ("product_views_7d", "product_views_30d"),
    "user_category_share_90d": ("user_category_interactions_90d", "user_interactions_90d"),
}
"""The outputs in order, each with the stored columns that it is made from. All are doubles."""

TIMES = frozenset({"user_last_activity_at", "user_signed_up_at", "product_first_seen_at"})
"""The stored columns that are times."""


@dataclass(frozen=True)
class Prior:
    """The constant prior of a product's mean rating: `weight` ratings of value `rating`.

    `rating` is NaN for a shop without a rating scale.
    """

    rating: float
    weight: float


def derive(features: pd.DataFrame, prior: Prior) -> pd.DataFrame:
    """All derived features of rows that hold the stored ones.

    Args:
        features: (n) rows with the stored columns and `as_of`; times are datetimes (naive is
            UTC) or seconds since 1970. Missing values are null.
        prior: of the shop.

    Returns:
        (n) rows with the columns DERIVED_FEATURES, float64 and NaN where undefined, on the index
        of `features`.
    """
    import pandas as pd

    stored = {
        name: epoch_seconds(features[name])
        if name in TIMES
        else features[name].astype("float64").to_numpy()
        for inputs in DERIVED_FEATURES.values()
        for name in inputs
    }
    columns = derive_columns(stored, epoch_seconds(features[REQUEST_COLUMN]), prior)
    return pd.DataFrame(columns, index=features.index)


def derive_columns(
    stored: Mapping[str, np.ndarray], as_of: np.ndarray, prior: Prior
) -> dict[str, np.ndarray]:
    """The derived features that can be made from the columns at hand.

    Args:
        stored: (n) float64 columns by name, NaN where missing; times in whole seconds since 1970.
        as_of: (n) seconds since 1970.

    Returns:
        (n) float64 columns by name, in the order of DERIVED_FEATURES, NaN where undefined.
    """
    formulas: dict[str, Callable[..., np.ndarray]] = {
        "user_days_since_last_activity": lambda time: (as_of - time) / DAY,
        "user_tenure_days": lambda time: (as_of - time) / DAY,
        "user_mean_rating": ratio,
        "user_rating_std": spread,
        "product_age_days": lambda time: (as_of - time) / DAY,
        "product_mean_rating": lambda count, total: bayesian_mean(count, total, prior),
        "product_conversion_30d": ratio,
        "product_views_trend": trend,
        "user_category_share_90d": share,
    }
    return {
        name: formulas[name](*(stored[column] for column in inputs))
        for name, inputs in DERIVED_FEATURES.items()
        if all(column in stored for column in inputs)
    }


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0 or either is missing (means, conversion)."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)


def spread(count: np.ndarray, total: np.ndarray, total_of_squares: np.ndarray) -> np.ndarray:
    """Population standard deviation from count, sum and sum of squares; NaN for a count of 0.

    sqrt(sum_sq / n - (sum / n)^2), with the difference held at 0 against rounding.
    """
    variance = ratio(total_of_squares, count) - ratio(total, count) ** 2
    return np.sqrt(np.maximum(variance, 0.0))


def bayesian_mean(count: np.ndarray, total: np.ndarray, prior: Prior) -> np.ndarray:
    """Mean rating as if `prior.weight` ratings of `prior.rating` had come first.

    (sum + weight * rating) / (count + weight): the prior itself for a product without ratings,
    NaN for a product that is not known.
    """
    return ratio(total + prior.weight * prior.rating, count + prior.weight)


def trend(views_7d: np.ndarray, views_30d: np.ndarray) -> np.ndarray:
    """Views per day over 7 days against those over 30, each with a pseudo-count added.

    (views_7d / 7 + k) / (views_30d / 30 + k), k = 0.1 views a day: 1.0 is steady (or no views at
    all), at most 4.3; a single view moves it little. NaN for a product that is not known.
    """
    return (views_7d / 7 + PSEUDO_VIEWS_PER_DAY) / (views_30d / 30 + PSEUDO_VIEWS_PER_DAY)


def share(in_category: np.ndarray, in_all: np.ndarray) -> np.ndarray:
    """A category's part of the user's interactions, in [0, 1]; NaN for a user without any.

    A user and category without a row never met: that is 0 interactions, not an unknown number.
    """
    return ratio(np.nan_to_num(in_category, nan=0.0), in_all)


def epoch_seconds(times: pd.Series) -> np.ndarray:
    """Whole seconds since 1970 (UTC), rounded down, as float64; NaN where missing.

    Args:
        times: datetimes (naive is UTC), datetime objects, or numbers of seconds.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(times):
        return np.floor(times.astype("float64").to_numpy())
    instants = pd.to_datetime(times, utc=True).dt.tz_localize(None)
    seconds = instants.to_numpy().astype("datetime64[s]")  # numpy rounds down, before 1970 too
    return np.where(np.isnat(seconds), np.nan, seconds.astype("int64").astype("float64"))


def datetimes(seconds: np.ndarray) -> np.ndarray:
    """The inverse of `epoch_seconds`: datetime64[s], NaT where missing.

    `pandas.to_datetime(floats, unit="s")` is not used: with NaN among the floats, pandas 2.3 reads
    uninitialised memory and raises FloatingPointError by chance.

    Args:
        seconds: (n) seconds since 1970 (UTC) as float64, NaN where missing. Fractions are cut off
            towards the past.
    """
    missing = np.isnan(seconds)
    whole = np.floor(np.where(missing, 0.0, seconds)).astype("int64")
    return np.where(missing, np.datetime64("NaT", "s"), whole.astype("datetime64[s]"))


def view_of(service: str) -> str:
    """The on-demand view of a service: `derived`, and `derived_v2` for `recommendation_v2`."""
    return VIEW if service == FIRST_SERVICE else f"{VIEW}_{service.rpartition('_')[2]}"


def transformation(
    prior: Prior, view: str = VIEW
) -> tuple[Callable[[pd.DataFrame], pd.DataFrame], str]:
    """The function of Feast's on-demand view and its source, with the shop's prior written in.

    Feast runs a registered view from its source text, and takes two views with equal text for
    the same: so the prior has to stand in the text, and not in a closure.
    """
    # repr of a float has 'nan' for NaN, which is no expression
    source = (
        f"def {view}(inputs):\n"
        "    from feature_store.derived import Prior, derive\n"
        f"    prior = Prior(rating=float('{prior.rating!r}'), weight={prior.weight!r})\n"
        "    return derive(inputs, prior)\n"
    )
    namespace: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {}
    exec(source, {}, namespace)
    return namespace[view], source
