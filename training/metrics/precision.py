"""Precision of ranked lists."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray


def precision(hits: BoolArray, relevant: IntArray, k: int) -> FloatArray:
    """The share of the k places that were hits: (users,); NaN for users without relevant products.

    A list shorter than k is charged for its empty places: the shop had k to fill.

    Source: Manning, Raghavan and Schutze, Introduction to information retrieval, section 8.4.
    """
    return np.where(relevant > 0, hits[:, :k].sum(axis=1) / k, np.nan)
