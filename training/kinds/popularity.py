"""The popular list: what others liked lately. The same for every user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray, Interactions
from training.kinds import Fit
from training.kinds._dense import DenseModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.reasons import RECENT_DAYS, Place, Shopper, popular_reason

HALF_LIFE_DAYS = 30.0
PRIOR_WEIGHT = 5.0
_MICROSECONDS_PER_DAY = 86_400e6


@dataclass(frozen=True)
class Popularity(DenseModel):
    """Popularity that fades with time.

    Args:
        popularity: (products,) sum over likes of 0.5 ^ (age in days / HALF_LIFE_DAYS).
        recent_likes: (products,) likes of the last RECENT_DAYS days, for explanations.
        mean_ratings: (products,) damped means, its answer when a rating is asked for.
        scale: lowest and highest rating.
    """

    popularity: FloatArray
    recent_likes: FloatArray
    mean_ratings: FloatArray
    scale: tuple[float, float]

    def scores(self, users: IntArray) -> FloatArray:
        """(users, products): one row, seen by every user (a read-only view)."""
        return np.broadcast_to(self.popularity, (len(users), len(self.popularity)))

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) damped mean ratings of the products."""
        return np.clip(self.mean_ratings[products], *self.scale)

    def can_rank(self, user: int) -> bool:
        """Whomever: it is the same for all."""
        return True

    def reason(self, place: Place, shopper: Shopper) -> str:
        """How many liked it lately."""
        return popular_reason(self, place.product)


def fit_popularity(
    known: Interactions,
    *,
    now: np.datetime64,
    products: int,
    scale: tuple[float, float],
    relevant: float,
) -> Popularity:
    """Count likes (labels of at least `relevant`), a like of HALF_LIFE_DAYS ago as a half.

    Source: DecayPop of Ji, Sun, Zhang and Li, A re-visit of the popularity baseline in recommender
    systems, SIGIR 2020, with a continuous decay in place of monthly steps. Means are damped by
    PRIOR_WEIGHT ratings at the overall mean: (sum + weight * mean) / (count + weight).
    """
    likes = known.where(known.labels >= relevant)
    age_days = (now - likes.times).astype("timedelta64[us]").astype(float) / _MICROSECONDS_PER_DAY
    weights = 0.5 ** (age_days / HALF_LIFE_DAYS)
    mean = float(known.labels.mean()) if len(known) else sum(scale) / 2
    counts = np.bincount(known.products, minlength=products)
    sums = np.bincount(known.products, weights=known.labels, minlength=products)
    return Popularity(
        popularity=np.bincount(likes.products, weights, products).astype(float),
        recent_likes=np.bincount(
            likes.products[age_days <= RECENT_DAYS], minlength=products
        ).astype(float),
        mean_ratings=(sums + PRIOR_WEIGHT * mean) / (counts + PRIOR_WEIGHT),
        scale=scale,
    )


class PopularityKind:
    """The kind `popularity`."""

    name = "popularity"
    complexity = 0
    reads = LABEL_TABLES
    builds_on: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = {"half_life_days": HALF_LIFE_DAYS}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, *, progress: Progress) -> Fit:
        return Fit(
            fit_popularity(
                task.known,
                now=task.cut,
                products=task.products,
                scale=task.scale,
                relevant=task.relevant,
            )
        )

    def store(self, model: Popularity) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Popularity:
        return stored.part(Popularity, self.name)


KIND = PopularityKind()
