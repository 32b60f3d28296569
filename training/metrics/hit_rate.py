"""Whether a ranked list holds a hit; its mean over users is the hit rate."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray


def hit_rate(hits: BoolArray, relevant: IntArray, k: int) -> FloatArray:
    """1 for a list with a hit among the first k, else 0: (users,); NaN for users without relevant
    products.

    Source: Deshpande and Karypis, Item-based top-N recommendation algorithms, TOIS 2004, section 5;
    trec_eval calls it success.
    """
    return np.where(relevant > 0, hits[:, :k].any(axis=1).astype(np.float64), np.nan)
