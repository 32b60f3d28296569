"""Bias only: the mean, how generously a user rates, and how well a product is liked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.interactions import FloatArray, IntArray, Interactions
from training.models.trainset import positions, surprise_trainset


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
    """Surprise's BaselineOnly with its defaults: regularised alternating least squares.

    Source: Koren, Factor in the neighbors, TKDD 2010, section 2.1.
    """
    from surprise import BaselineOnly

    trainset = surprise_trainset(known, scale)
    fitted = BaselineOnly(verbose=False).fit(trainset)
    at_users, at_products = positions(trainset)
    user_bias, product_bias = np.zeros(users + 1), np.zeros(products)
    user_bias[at_users] = fitted.bu
    product_bias[at_products] = fitted.bi
    return Bias(float(trainset.global_mean), user_bias, product_bias, scale)
