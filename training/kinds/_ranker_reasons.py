"""The ranker's reasons: the largest contribution about which something true can be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from training.kinds.popularity import Popularity
from training.kinds.svd import SVD
from training.reasons import Place, Shopper, popular_reason, quality_reason

NEW_DAYS = 30
CHEAP, DEAR = 0.35, 0.65


def ranker_reason(svd: SVD, popularity: Popularity, place: Place, shopper: Shopper) -> str:
    """One line about one product.

    Args:
        svd, popularity: that the ranker builds on.
    """
    features, category = place.features, shopper.category(place.product)
    reasons: dict[str, Callable[[], str | None]] = {
        "taste": lambda: svd.taste_reason(place, shopper),
        "category": lambda: _category_reason(category, features),
        "quality": lambda: quality_reason(shopper, place.product),
        "popular": lambda: popular_reason(popularity, place.product),
        "trend": lambda: _trend_reason(features),
        "price": lambda: _price_reason(category, features),
        "age": lambda: _age_reason(features),
    }
    sums: dict[str, float] = dict.fromkeys(reasons, 0.0)
    for name, contribution in place.contributions.items():
        if group := _group(name):
            sums[group] += contribution
    for group in sorted(sums, key=lambda name: -sums[name]):
        if sums[group] > 0 and (reason := reasons[group]()):
            return reason
    return popular_reason(popularity, place.product)


def _group(feature: str) -> str | None:
    """The reason that a feature supports; None for those of the user alone, equal for all products."""
    if feature.startswith("user_category_"):
        return "category"
    if feature.startswith("user_"):
        return None
    if feature.startswith("svd_"):
        return "taste"
    if feature.startswith("product_price"):
        return "price"
    if feature == "product_age_days":
        return "age"
    if feature in ("product_mean_rating", "product_ratings_sum"):
        return "quality"
    if feature in ("popularity", "product_ratings_count"):
        return "popular"
    return "trend"


def _category_reason(category: str, features: Mapping[str, float]) -> str | None:
    times = features.get("user_category_interactions_90d", 0.0)
    return f"you often look at {category}" if times > 0 else None


def _trend_reason(features: Mapping[str, float]) -> str | None:
    views, bought = features.get("product_views_7d", 0.0), features.get("product_purchases_7d", 0.0)
    if bought > 1:
        return f"bought {bought:.0f} times this week"
    return f"looked at {views:.0f} times this week" if views > 1 else None


def _price_reason(category: str, features: Mapping[str, float]) -> str | None:
    place = features.get("product_price_percentile", np.nan)
    if place <= CHEAP:
        return f"cheaper than most in {category}"
    return f"pricier than most in {category}" if place >= DEAR else None


def _age_reason(features: Mapping[str, float]) -> str | None:
    days = features.get("product_age_days", np.nan)
    return "new in the shop" if 0 <= days <= NEW_DAYS else None
