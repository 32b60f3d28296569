"""How little known the recommended products are."""

from __future__ import annotations

import numpy as np

from training.interactions import FloatArray, IntArray


def novelty(lists: IntArray, owners: IntArray, users: int) -> FloatArray:
    """Mean self-information of the products of each list, in bits: (n,); NaN for an empty list.

    The mean of -log2(owners / users): 0 when everybody has the product, 10 when one user in a
    thousand has it. A product that nobody has counts as one that a single user has.

    Args:
        lists: (n, k) positions; negative where a list has no product.
        owners: (products,) how many of the users had each product before.
        users: how many there are.

    Source: Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems,
    PNAS 2010 (surprisal).
    """
    bits = np.log2(max(users, 1) / np.maximum(owners, 1))
    listed = lists >= 0
    sums = np.where(listed, bits[np.maximum(lists, 0)], 0.0).sum(axis=1)
    length = listed.sum(axis=1)
    return np.where(length > 0, sums / np.maximum(length, 1), np.nan)
