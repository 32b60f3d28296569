"""How much the lists of different users differ."""

from __future__ import annotations

import numpy as np

from training.interactions import IntArray


def personalisation(lists: IntArray, products: int) -> float:
    """The mean over all pairs of users of 1 - cosine of their lists; NaN for fewer than two lists.

    0 when everybody gets the same products, 1 when no two users share one. For lists of equal length
    the cosine is the share of products that two lists have in common. Empty lists are left out.

    With x the lists as vectors of length 1, the cosines of all pairs add up to
    (|sum of x|^2 - n) / 2: so all pairs are counted, without looking at one of them.

    Args:
        lists: (users, k) distinct positions; negative where a list has no product.
        products: size of the catalogue.

    Source: Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems,
    PNAS 2010 (personalization, an average Hamming distance).
    """
    listed = lists >= 0
    length = listed.sum(axis=1)
    n = int((length > 0).sum())
    if n < 2:
        return float("nan")
    weights = np.broadcast_to(1.0 / np.sqrt(np.maximum(length, 1))[:, None], lists.shape)
    total = np.bincount(lists[listed], weights[listed], products)
    return float(1.0 - (total @ total - n) / (n * (n - 1)))
