"""Category share: what is popular in the categories that the user turns to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recomart.step import Progress
from training.behaviour import DAY
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked
from training.reasons import Place, Shopper
from training.requests import Question, Ranked

POPULAR_DAYS = 14.0
MOST = 100
"""Products of a category that are proposed at most."""


@dataclass(frozen=True)
class CategoryShare(ListingModel):
    """score(user, j) = the share of j's category in the user's recent weights, times how popular j
    is within it.

    Args:
        category: (products,) the category of each, as a number.
        within: (products,) the product's share of its category's recent weights.
        half_life_days: after which an event of the profile counts half.
        scale: lowest and highest rating.
    """

    category: IntArray
    within: FloatArray
    half_life_days: float
    scale: tuple[float, float]

    def shares(self, question: Question) -> FloatArray:
        """(n, categories) the share of each in a user's faded weights; 0.0 without any."""
        own = question.profiles.decayed(question.now, self.half_life_days)
        own.data = np.maximum(own.data, 0.0)
        categories = int(self.category.max(initial=0)) + 1
        row = np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))
        at = row * categories + self.category[own.indices]
        flat = np.bincount(at, own.data, own.shape[0] * categories).astype(np.float64)
        sums = flat.reshape(own.shape[0], categories)
        total = sums.sum(axis=1, keepdims=True)
        return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: the MOST most popular products of each of the user's categories."""
        columns = self._proposed
        return ranked(question, lambda some: self.scores(some, columns), columns)

    def scores(self, question: Question, columns: IntArray) -> FloatArray:
        """(n, columns) scores of some products; -inf outside of the user's categories."""
        scores = self.shares(question)[:, self.category[columns]] * self.within[columns]
        scores[scores <= 0] = -np.inf
        return scores

    @cached_property
    def _proposed(self) -> IntArray:
        """Positions of the MOST most popular products of each category, ascending."""
        order = np.lexsort((-self.within, self.category))
        of = self.category[order]
        place = np.arange(len(order)) - np.searchsorted(of, of)
        return np.sort(order[(place < MOST) & (self.within[order] > 0)])

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        return f"popular in {shopper.category(place.product)}, where you often look"


class CategoryShareKind:
    """The kind `category`."""

    name = "category"
    complexity = 1
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {"half_life_days": 30.0}
    tries: tuple[Mapping[str, Any], ...] = (
        {"half_life_days": 0.25},
        {"half_life_days": 30.0},
        {"half_life_days": 365.0},
    )
    space: Mapping[str, tuple[Any, ...]] = {
        "half_life_days": (0.1, 0.25, 1.0, 7.0, 30.0, 90.0, 365.0)
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        if len(np.unique(task.categories)) < 2:
            return None
        events = task.events.positive()
        age = (task.cut - events.times).astype("timedelta64[us]").astype(np.float64) / DAY
        weights = events.weights * 0.5 ** (age / POPULAR_DAYS)
        popular = np.bincount(events.products, weights, task.products)
        of_category = np.bincount(task.categories, popular)[task.categories]
        within = np.divide(popular, of_category, out=np.zeros_like(popular), where=of_category > 0)
        return Fit(CategoryShare(task.categories, within, parameters["half_life_days"], task.scale))

    def store(self, model: CategoryShare) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> CategoryShare:
        return stored.part(CategoryShare, self.name)


KIND = CategoryShareKind()
