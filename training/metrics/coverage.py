"""How much of the catalogue is ever recommended."""

from __future__ import annotations

import numpy as np

from training.interactions import IntArray


def coverage(lists: IntArray, products: int) -> float:
    """Distinct products in all lists over products in the catalogue; NaN for an empty catalogue.

    Args:
        lists: (users, k) positions; negative where a list has no product.
        products: size of the catalogue.

    Source: Ge, Delgado-Battenfeld and Jannach, Beyond accuracy, RecSys 2010 (catalogue coverage).
    """
    if not products:
        return float("nan")
    return len(np.unique(lists[lists >= 0])) / products
