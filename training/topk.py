"""The best k products of many users at once, in an order that does not depend on chance."""

from __future__ import annotations

import numpy as np

from training.interactions import FloatArray, IntArray


def top_k(scores: FloatArray, k: int) -> IntArray:
    """Positions of the k highest scores of each row, best first; ties go to the lower position.

    Products are indexed in the order of their ids, so ties go by product id.

    Args:
        scores: (rows, products); -inf marks what must not be recommended; no NaN.
        k: how many; at most the number of products.

    Returns:
        (rows, min(k, products)) positions; UNKNOWN (-1) where a row has fewer candidates.
    """
    rows, products = scores.shape
    k = min(k, products)
    if k == 0 or rows == 0:
        return np.full((rows, k), -1, dtype=np.int64)
    if k < products:
        best = np.argpartition(scores, products - k, axis=1)[:, products - k :]
        worst_taken = np.take_along_axis(scores, best[:, :1], axis=1)
        # argpartition picks any of those that tie for the last place: such rows are sorted whole.
        tied = (np.count_nonzero(scores >= worst_taken, axis=1) > k) & (worst_taken[:, 0] > -np.inf)
        best[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :k]
        best.sort(axis=1)
    else:
        best = np.broadcast_to(np.arange(products), (rows, products))
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    missing = np.take_along_axis(values, order, axis=1) == -np.inf
    return np.where(missing, -1, best).astype(np.int64)
