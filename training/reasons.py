"""Why a product is recommended, in words of the shop; each model has its own, made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from training.interactions import FloatArray, IntArray

RECENT_DAYS = 30
"""Days before the cut whose likes are counted for `popular_reason`."""


class PopularProducts(Protocol):
    """What reasons read of `training.kinds.popularity.Popularity`."""

    @property
    def recent_likes(self) -> FloatArray: ...

    @property
    def mean_ratings(self) -> FloatArray: ...

    @property
    def scale(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Place:
    """A recommended product.

    Args:
        product: its position.
        score: of the model.
        features, contributions: by name, what the ranker saw, and what it added to the score
            compared with the user's other candidates. Empty for other kinds.
    """

    product: int
    score: float
    features: Mapping[str, float] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Shopper:
    """The user to whom a list is explained, and the shop's catalogue.

    Args:
        user: position, UNKNOWN for one without history.
        liked: (n,) positions of the products that the user liked, as far as the model knows them.
        labels: (n,) how much.
        rates: whether labels are ratings that the user gave.
        products: the ids of all positions.
        catalogue: title and category of each product that is listed.
        popularity: of the products, among all users.
    """

    user: int
    liked: IntArray
    labels: FloatArray
    rates: bool
    products: npt.NDArray[np.str_]
    catalogue: Mapping[str, tuple[str, str]]
    popularity: PopularProducts

    def title(self, product: int) -> str | None:
        """A product's title; None when it is not listed any more."""
        listed = self.catalogue.get(str(self.products[product]))
        return None if listed is None else listed[0]

    def category(self, product: int) -> str:
        """A listed product's category."""
        return self.catalogue[str(self.products[product])][1]


def popular_reason(popularity: PopularProducts, product: int) -> str:
    """How many liked it lately."""
    likes = int(popularity.recent_likes[product])
    if likes == 0:
        return "popular with other customers"
    customers = "customer" if likes == 1 else "customers"
    return f"popular now: {likes:,} {customers} liked it in {RECENT_DAYS} days"


def quality_reason(shopper: Shopper, product: int) -> str:
    """How others rate it."""
    if not shopper.rates:
        return "popular with other customers"
    popularity = shopper.popularity
    mean, highest = popularity.mean_ratings[product], popularity.scale[1]
    return f"rated well by other customers ({mean:.1f} of {highest:g})"
