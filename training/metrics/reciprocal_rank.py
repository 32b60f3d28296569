"""Reciprocal rank of the first hit."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray


def reciprocal_rank(hits: BoolArray, relevant: IntArray) -> FloatArray:
    """1 / place of the first hit, 0 without a hit: (users,); NaN for users without relevant products.

    Source: Kantor and Voorhees, The TREC-5 confusion track, Information Retrieval 2000.
    """
    first = np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0)
    return np.where(relevant > 0, first, np.nan)
