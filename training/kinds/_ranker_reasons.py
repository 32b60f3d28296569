"""The ranker's reasons: the largest contribution about which something true can be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from training.kinds._combined import CombinedModel
from training.reasons import Place, Shopper, again_reason, popular_reason, quality_reason

NEW_DAYS = 30
CHEAP, DEAR = 0.35, 0.65


def ranker_reason(ranker: CombinedModel, place: Place, shopper: Shopper) -> str:
    """One line about one product."""
    features, category = place.features, shopper.category(place.product)
    reasons: dict[str, Callable[[], str | None]] = {
        "again": lambda: again_reason(place.product, shopper),
        "category": lambda: _category_reason(category, features),
        "quality": lambda: quality_reason(shopper, place.product) if shopper.rates else None,
        "popular": lambda: popular_reason(shopper.popularity, place.product),
        "trend": lambda: _trend_reason(features),
        "price": lambda: _price_reason(category, features),
        "age": lambda: _age_reason(features),
    }
    for source, model in ranker.sources.models.items():
        reasons[f"source {source}"] = partial(model.reason, place, shopper)
    sums: dict[str, float] = dict.fromkeys(reasons, 0.0)
    for name, contribution in place.contributions.items():
        group = _group(name, ranker.sources.models)
        if group is not None:
            sums[group] += contribution
    for group in sorted(sums, key=lambda name: -sums[name]):
        if sums[group] > 0 and (reason := reasons[group]()):
            return reason
    return ranker.source_reason(place, shopper) or popular_reason(shopper.popularity, place.product)


_GROUPS = {
    "product_age": "age",
    "product_age_days": "age",
    "arrived_since_visit": "age",
    "product_mean_rating": "quality",
    "product_ratings_sum": "quality",
    "product_ratings_count": "popular",
    "popular_ever": "popular",
    "trend_7d": "trend",
    "product_due": "again",
    "repeat_rate": "again",
    "taste_ever": "category",
    "taste_7d": "category",
}
"""Which reason a feature supports. A feature that is not named, here or by how its name begins,
supports none: it is better to say less than to call everything unknown a trend."""
_BEGINNINGS = {
    "user_category_": "category",
    "own_": "again",
    "popular_": "popular",
    "product_price": "price",
    "product_views_": "trend",
    "product_purchases_": "trend",
    "product_carts_": "trend",
}


def _group(feature: str, sources: Mapping[str, object]) -> str | None:
    """The reason that a feature supports; None for those of the user alone, equal for all products."""
    for source in sources:
        if feature in (f"{source}_rank", f"{source}_share"):
            return f"source {source}"
    if feature in _GROUPS:
        return _GROUPS[feature]
    return next((g for start, g in _BEGINNINGS.items() if feature.startswith(start)), None)


def _category_reason(category: str, features: Mapping[str, float]) -> str | None:
    times = features.get("user_category_interactions_90d", 0.0)
    share = features.get("taste_ever", 0.0)
    return f"you often look at {category}" if times > 0 or share > 0 else None


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
    days = features.get("product_age_days", features.get("product_age", np.nan))
    return "new in the shop" if 0 <= days <= NEW_DAYS else None
