"""Why a product is recommended, in words of the shop; each model has its own, made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from training.interactions import FloatArray, IntArray, TimeArray

RECENT_DAYS = 30
"""Days before the cut whose likes are counted for `popular_reason`."""
ALIKE = 0.15
"""The cosine between two products' factors from which on they count as similar."""
REGULAR_TIMES = 3
"""From this many purchases on, the usual interval between them is worth a word."""


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
        user: position, UNKNOWN for one that is not in the index.
        liked: (n,) positions of the products that the user liked, as far as the model knows them.
        labels: (n,) how much.
        own, own_times: (m,) the products and times of the user's events that speak for a product,
            in the order of time.
        rates: whether labels are ratings that the user gave.
        products: the ids of all positions.
        catalogue: title and category of each product that is listed.
        popularity: of the products, among all users.
    """

    user: int
    liked: IntArray
    labels: FloatArray
    own: IntArray
    own_times: TimeArray
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


def again_reason(product: int, shopper: Shopper) -> str | None:
    """How often the user had it, and how regularly; None when they never had it."""
    times = shopper.own_times[shopper.own == product]
    if not len(times):
        return None
    days = np.unique(times.astype("datetime64[D]"))
    if len(days) >= REGULAR_TIMES:
        gap = float(np.median(np.diff(days).astype(np.float64)))
        return f"you come back to it about every {gap:.0f} days"
    return "you came back to it lately" if len(times) > 1 else "you looked at it lately"


def together_reason(other: int, shopper: Shopper) -> str | None:
    """The user's product that goes with it; None when that one is not listed any more."""
    title = shopper.title(other)
    if title is None:
        return None
    return f"customers who {'like' if shopper.rates else 'chose'} {title} also choose it"


def alike_reason(factors: npt.NDArray[Any], product: int, shopper: Shopper) -> str | None:
    """The liked product whose factors are most like this one's, if any is similar."""
    own = shopper.liked if len(shopper.liked) else shopper.own
    if not len(own):
        return None
    alike = cosine(factors[own], factors[product])
    best = int(alike.argmax())
    if alike[best] < ALIKE:
        return None
    title = shopper.title(int(own[best]))
    if title is None:
        return None
    if shopper.rates and len(shopper.liked):
        return f"similar to {title}, which you rated {shopper.labels[best]:g}"
    return f"liked by customers who also like {title}"


def cosine(rows: npt.NDArray[Any], one: npt.NDArray[Any]) -> FloatArray:
    """(n,) cosines between n rows and one; 0.0 where a length is 0."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
    return np.divide(rows @ one, lengths, out=np.zeros(len(rows)), where=lengths > 0)
