"""Recall of ranked lists."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray


def recall(hits: BoolArray, relevant: IntArray, k: int) -> FloatArray:
    """The share of a user's relevant products among the first k: (users,); NaN without any.

    Source: Manning, Raghavan and Schutze, Introduction to information retrieval, section 8.4.
    """
    found = hits[:, :k].sum(axis=1)
    return np.where(relevant > 0, found / np.maximum(relevant, 1), np.nan)
