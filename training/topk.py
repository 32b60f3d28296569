"""The best k products of many users at once, in an order that does not depend on chance."""

from __future__ import annotations

import numpy as np

from training.interactions import FloatArray, IntArray

MIN_GROUPS, GROUPS_A_PLACE = 512, 8
"""Of columns whose maxima are compared: with more of them, fewer scores are sorted for nothing."""


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
    best = np.full((rows, k), -1, dtype=np.int64)
    if k == 0 or rows == 0:
        return best
    row, product = np.nonzero((scores >= _kth_at_least(scores, k)[:, None]) & (scores > -np.inf))
    order = np.lexsort((product, -scores[row, product], row))
    row, product = row[order], product[order]
    first = np.searchsorted(row, np.arange(rows))
    place = np.arange(len(row)) - first[row]
    listed = place < k
    best[row[listed], place[listed]] = product[listed]
    return best


def _kth_at_least(scores: FloatArray, k: int) -> FloatArray:
    """(rows,) a score that the k highest of a row reach, and few others.

    The k-th highest of the maxima of groups of columns: one pass over a wide row, where its
    partition takes twenty times longer.
    """
    products = scores.shape[1]
    groups = max(MIN_GROUPS, GROUPS_A_PLACE * k)
    depth = max(1, products // groups)
    groups = products // depth
    whole = groups * depth
    maxima = scores[:, :whole].reshape(len(scores), depth, groups).max(axis=1)
    maxima = np.hstack([maxima, scores[:, whole:]])
    return np.partition(maxima, maxima.shape[1] - k, axis=1)[:, maxima.shape[1] - k]
