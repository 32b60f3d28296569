"""Why a product is recommended, in words of the shop, and true to the model that chose it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from training.artifact import Artifact, Fitted
from training.interactions import UNKNOWN, FloatArray
from training.kinds.bias import Bias
from training.kinds.popularity import RECENT_DAYS, Popularity
from training.kinds.ranker import Ranker
from training.kinds.svd import SVD

ALIKE = 0.15
"""Cosine between two products' factors from which on they are called alike."""
NEW_DAYS = 30
CHEAP, DEAR = 0.35, 0.65


@dataclass(frozen=True)
class Place:
    """A recommended product.

    Args:
        product: its position.
        score: of the model.
        features, contributions: by name, what the ranker saw, and what it added to the score
            beside the user's other candidates. Empty for other kinds.
    """

    product: int
    score: float
    features: Mapping[str, float] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)


class Explainer:
    """Reasons for one user's list.

    Args:
        catalogue: title and category of each product.
        user: position, UNKNOWN for one without history.
        likes: what the user liked: product ids and labels.
    """

    def __init__(
        self,
        artifact: Artifact,
        catalogue: Mapping[str, tuple[str, str]],
        user: int,
        likes: Mapping[str, float],
    ) -> None:
        self._artifact = artifact
        self._catalogue = catalogue
        self._user = user
        at = artifact.products.positions(likes)
        self._liked = at[at != UNKNOWN]
        self._labels = np.array(list(likes.values()))[at != UNKNOWN]
        self._rates = artifact.facts.get("label_kind") == "rating"

    def reason(self, place: Place) -> str:
        """One line about one product."""
        model = self._artifact.model
        if isinstance(model, Ranker):
            return self._ranker_reason(model, place)
        return self._base_reason(model, place.product)

    def _base_reason(self, model: Fitted, product: int) -> str:
        if isinstance(model, SVD):
            taste = float(model.user_factors[self._user] @ model.product_factors[product])
            if taste > 0 and taste >= model.product_bias[product]:
                return self._taste_reason(model, product) or "close to your taste"
        if isinstance(model, SVD | Bias):
            return self._quality_reason(product)
        return popular_reason(self._artifact.popularity, product)

    def _ranker_reason(self, model: Ranker, place: Place) -> str:
        """The reason behind the largest contribution about which something true can be said."""
        features = place.features
        category = self._catalogue[str(self._artifact.products.ids[place.product])][1]
        tellers: dict[str, Callable[[], str | None]] = {
            "taste": lambda: self._taste_reason(model.svd, place.product),
            "category": lambda: _category_reason(category, features),
            "quality": lambda: self._quality_reason(place.product),
            "popular": lambda: popular_reason(self._artifact.popularity, place.product),
            "trend": lambda: _trend_reason(features),
            "price": lambda: _price_reason(category, features),
            "age": lambda: _age_reason(features),
        }
        sums: dict[str, float] = dict.fromkeys(tellers, 0.0)
        for name, contribution in place.contributions.items():
            if group := _group(name):
                sums[group] += contribution
        for group in sorted(sums, key=lambda name: -sums[name]):
            if sums[group] > 0 and (told := tellers[group]()):
                return told
        return popular_reason(self._artifact.popularity, place.product)

    def _taste_reason(self, model: SVD, product: int) -> str | None:
        """The liked product whose ratings are most like this one's, if any is alike."""
        if not len(self._liked):
            return None
        factors = model.product_factors
        alike = _cosine(factors[self._liked], factors[product])
        best = int(alike.argmax())
        if alike[best] < ALIKE:
            return None
        title, _ = self._catalogue.get(
            str(self._artifact.products.ids[self._liked[best]]), (None, None)
        )
        if title is None:
            return None
        if self._rates:
            return f"rated much like {title}, to which you gave {self._labels[best]:g}"
        return f"chosen by those who like {title}, as you do"

    def _quality_reason(self, product: int) -> str:
        if not self._rates:
            return "liked best by other customers"
        popularity = self._artifact.popularity
        mean, highest = popularity.mean_ratings[product], popularity.scale[1]
        return f"well rated by others ({mean:.1f} of {highest:g})"


def popular_reason(popularity: Popularity, product: int) -> str:
    """How many liked it lately."""
    likes = int(popularity.recent_likes[product])
    if likes == 0:
        return "a favourite of other customers"
    customers = "customer" if likes == 1 else "customers"
    return f"popular now: {likes:,} {customers} liked it in {RECENT_DAYS} days"


def _group(feature: str) -> str | None:
    """Which reason a feature speaks for; None for those of the user alone, equal for all products."""
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
        return f"one of the cheaper ones in {category}"
    return f"one of the finer ones in {category}" if place >= DEAR else None


def _age_reason(features: Mapping[str, float]) -> str | None:
    days = features.get("product_age_days", np.nan)
    return "new in the shop" if 0 <= days <= NEW_DAYS else None


def _cosine(rows: FloatArray, one: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
    return np.divide(rows @ one, lengths, out=np.zeros(len(rows)), where=lengths > 0)
