"""Bias only: the mean, how generously a user rates, and how well a product is liked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.interactions import FloatArray, IntArray, Interactions

ROUNDS = 10
USER_DAMPING, PRODUCT_DAMPING = 15, 10
"""Ratings of no bias that each user, and each product, is taken to have beside its own."""


@dataclass(frozen=True)
class Bias:
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

    def scores(self, users: IntArray) -> FloatArray:
        """(users, products) predicted ratings, not clipped, so that the best ones do not tie."""
        return self.mean + self.user_bias[users][:, None] + self.product_bias[None, :]

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) predicted ratings on the scale."""
        return np.clip(self.mean + self.user_bias[users] + self.product_bias[products], *self.scale)


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
