"""How much of what is recommended is what sells best anyway."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray

SHARE = 0.1
"""The best-selling tenth of the catalogue."""


def top_sellers(owners: IntArray, catalogue: BoolArray, share: float = SHARE) -> BoolArray:
    """(products,) whether a product is among the `share` of the catalogue that most users have.

    At least one product is; a product that nobody has is never. Ties go to the lower position.

    Args:
        owners: (products,) how many users had each product before.
        catalogue: (products,) whether it can be recommended.
    """
    wanted = max(1, round(share * int(catalogue.sum())))
    order = np.lexsort((np.arange(len(owners)), -owners))
    best = order[catalogue[order] & (owners[order] > 0)][:wanted]
    found = np.zeros(len(owners), dtype=bool)
    found[best] = True
    return found


def top_seller_share(lists: IntArray, top: BoolArray) -> FloatArray:
    """The share of the products of each list that are top sellers: (n,); NaN for an empty list.

    Args:
        lists: (n, k) positions; negative where a list has no product.
        top: (products,) from `top_sellers`.

    Source: the complement of the average percentage of long-tail items of Abdollahpouri, Burke and
    Mobasher, Managing popularity bias in recommender systems with personalized re-ranking, 2019.
    """
    listed = lists >= 0
    length = listed.sum(axis=1)
    hits = (listed & top[np.maximum(lists, 0)]).sum(axis=1)
    return np.where(length > 0, hits / np.maximum(length, 1), np.nan)
