"""Bias only: the mean, how generously a user rates, and how well a product is liked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray, Interactions
from training.kinds import Fit, Role
from training.kinds._listing import ScoringModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.reasons import Place, Shopper, quality_reason
from training.requests import Question

ROUNDS = 10
USER_DAMPING, PRODUCT_DAMPING = 15, 10
"""Ratings without any bias that are added to those of each user, and of each product."""


@dataclass(frozen=True)
class Bias(ScoringModel):
    """rating = mean + user_bias + product_bias.

    Args:
        mean: of all labels it was fitted on.
        user_bias: (users + 1,); 0 for users without labels and for the unknown user at the end.
        product_bias: (products,); 0 for products without labels.
        scale: lowest and highest rating.
    """

    mean: float
    user_bias: FloatArray
    product_bias: FloatArray
    scale: tuple[float, float]

    def scores(self, question: Question) -> FloatArray:
        """(n, products) predicted ratings, not clipped, so that the best ones do not tie."""
        return self.mean + self.user_bias[question.users][:, None] + self.product_bias[None, :]

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) predicted ratings on the scale."""
        return np.clip(self.mean + self.user_bias[users] + self.product_bias[products], *self.scale)

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """How well others rate it: all that it knows."""
        return quality_reason(shopper, place.product)


def fit_bias(known: Interactions, *, users: int, products: int, scale: tuple[float, float]) -> Bias:
    """Regularised alternating least squares, as Surprise's BaselineOnly does it by default.

    Its numbers to the bit, as sums over whole arrays: its loop over tuples takes ten times longer.

    Source: Koren, Factor in the neighbors, TKDD 2010, section 2.1.
    """
    mean = float(known.labels.mean())
    of_user = np.bincount(known.users, minlength=users + 1)
    of_product = np.bincount(known.products, minlength=products)
    user_bias, product_bias = np.zeros(users + 1), np.zeros(products)
    for _ in range(ROUNDS):
        left = known.labels - mean - user_bias[known.users]
        product_bias = np.bincount(known.products, left, products) / (PRODUCT_DAMPING + of_product)
        left = known.labels - mean - product_bias[known.products]
        user_bias = np.bincount(known.users, left, users + 1) / (USER_DAMPING + of_user)
    return Bias(mean, user_bias, product_bias, scale)


class BiasKind:
    """The kind `bias`."""

    name = "bias"
    complexity = 1
    reads = LABEL_TABLES
    role: Role = "stars"
    parameters: Mapping[str, Any] = {}
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress) -> Fit:
        return Fit(fit_bias(task.known, users=task.users, products=task.products, scale=task.scale))

    def store(self, model: Bias) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Bias:
        return stored.part(Bias, self.name)


KIND = BiasKind()
