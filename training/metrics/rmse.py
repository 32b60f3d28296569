"""Root mean squared error of predicted ratings."""

from __future__ import annotations

import numpy as np

from training.interactions import FloatArray


def rmse(predicted: FloatArray, actual: FloatArray) -> float:
    """sqrt(mean((predicted - actual)^2)), in units of the rating scale; NaN without ratings.

    Source: Herlocker et al., Evaluating collaborative filtering recommender systems, TOIS 2004.
    """
    if not len(actual):
        return float("nan")
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))
