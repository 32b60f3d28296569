"""The popular list: what others liked lately. The same for every user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress
from training.behaviour import DAY, Events
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray, Interactions
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked_alike
from training.reasons import RECENT_DAYS, Place, Shopper, popular_reason
from training.requests import Question, Ranked

HALF_LIFE_DAYS = 30.0
PRIOR_WEIGHT = 5.0


@dataclass(frozen=True)
class Popularity(ListingModel):
    """Popularity that fades with time.

    Args:
        popularity: (products,) sum over events of weight * 0.5 ^ (age / half-life).
        recent_likes: (products,) likes of the last RECENT_DAYS days, for explanations.
        mean_ratings: (products,) damped means, its answer when a rating is asked for.
        scale: lowest and highest rating.
    """

    popularity: FloatArray
    recent_likes: FloatArray
    mean_ratings: FloatArray
    scale: tuple[float, float]

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: the same for every user."""
        return ranked_alike(question, self.popularity)

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) damped mean ratings of the products."""
        return np.clip(self.mean_ratings[products], *self.scale)

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """How many liked it lately."""
        return popular_reason(self, place.product)


def fit_popularity(
    known: Interactions,
    events: Events,
    *,
    now: np.datetime64,
    products: int,
    scale: tuple[float, float],
    relevant: float,
    half_life_days: float = HALF_LIFE_DAYS,
) -> Popularity:
    """Add up what speaks for each product, an event of `half_life_days` ago at half its weight.

    Source: DecayPop of Ji, Sun, Zhang and Li, A re-visit of the popularity baseline in recommender
    systems, SIGIR 2020, with a continuous decay in place of monthly steps. Means are damped by
    PRIOR_WEIGHT ratings at the overall mean: (sum + weight * mean) / (count + weight).
    """
    good = events.positive()
    weights = good.weights * 0.5 ** (_age_days(good, now) / half_life_days)
    likes = known.where(known.labels >= relevant)
    recent = (now - likes.times) <= np.timedelta64(RECENT_DAYS * DAY, "us")
    mean = float(known.labels.mean()) if len(known) else sum(scale) / 2
    counts = np.bincount(known.products, minlength=products)
    sums = np.bincount(known.products, weights=known.labels, minlength=products)
    return Popularity(
        popularity=np.bincount(good.products, weights, products).astype(float),
        recent_likes=np.bincount(likes.products[recent], minlength=products).astype(float),
        mean_ratings=(sums + PRIOR_WEIGHT * mean) / (counts + PRIOR_WEIGHT),
        scale=scale,
    )


def _age_days(events: Events, now: np.datetime64) -> FloatArray:
    return (now - events.times).astype("timedelta64[us]").astype(np.float64) / DAY


class PopularityKind:
    """The kind `popularity`."""

    name = "popularity"
    complexity = 0
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {"half_life_days": HALF_LIFE_DAYS}
    tries = tuple({"half_life_days": days} for days in (1.0, 3.0, 7.0, 14.0, 30.0, 90.0, 3650.0))
    space: Mapping[str, tuple[Any, ...]] = {
        "half_life_days": (0.5, 1.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 365.0, 3650.0)
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress) -> Fit:
        return Fit(
            fit_popularity(
                task.known,
                task.events,
                now=task.cut,
                products=task.products,
                scale=task.scale,
                relevant=task.relevant,
                **parameters,
            )
        )

    def store(self, model: Popularity) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Popularity:
        return stored.part(Popularity, self.name)


KIND = PopularityKind()
