"""Normalised discounted cumulative gain."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray


def discounts(k: int) -> FloatArray:
    """(k,) 1 / log2(place + 1) for the places 1 to k."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def discounted_gain(gains: FloatArray | BoolArray, weights: FloatArray | None = None) -> FloatArray:
    """Discounted cumulative gain of ranked lists.

    Args:
        gains: (users, k) gain of the product at each place; booleans count as 0 and 1.
        weights: (k,) weight of each place; `discounts(k)` unless given.

    Returns:
        (users,) the sum over places of gain * weight; 0.0 for a list without gain.

    Source: Jarvelin and Kekalainen, Cumulated gain-based evaluation of IR techniques, TOIS 2002,
    section 2.2, in the form of Burges et al. (ICML 2005) with discount log2(place + 1).
    """
    weights = discounts(gains.shape[1]) if weights is None else weights
    return gains @ weights


def ndcg(hits: BoolArray, relevant: IntArray, k: int) -> FloatArray:
    """Discounted gain of the first k places over that of a perfect list: (users,), in [0, 1].

    Gains are binary; the perfect list has min(relevant, k) hits in front. NaN for users without
    relevant products.
    """
    hits = hits[:, :k]
    ideal = np.r_[np.nan, discounts(k).cumsum()]
    return discounted_gain(hits) / ideal[np.minimum(relevant, k)]
