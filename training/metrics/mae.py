"""Mean absolute error of predicted ratings."""

from __future__ import annotations

import numpy as np

from training.interactions import FloatArray


def mae(predicted: FloatArray, actual: FloatArray) -> float:
    """mean(|predicted - actual|), in units of the rating scale; NaN without ratings.

    Source: Herlocker et al., Evaluating collaborative filtering recommender systems, TOIS 2004.
    """
    if not len(actual):
        return float("nan")
    return float(np.mean(np.abs(predicted - actual)))
