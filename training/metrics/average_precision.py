"""Average precision of ranked lists; its mean over users is MAP."""

from __future__ import annotations

import numpy as np

from training.interactions import BoolArray, FloatArray, IntArray


def average_precision(hits: BoolArray, relevant: IntArray, k: int) -> FloatArray:
    """Mean over the relevant products of the precision at their place: (users,); NaN without any.

    sum over places p <= k of hit_p * precision_at_p, over min(relevant, k): a list of k that holds
    nothing but hits reaches 1, however many more were relevant.

    Source: Manning, Raghavan and Schutze, Introduction to information retrieval, section 8.4, cut
    at k with the normalisation of trec_eval's successors (Kaggle's MAP@k).
    """
    hits = hits[:, :k]
    places = np.arange(1, hits.shape[1] + 1)
    at_hits = np.where(hits, hits.cumsum(axis=1) / places, 0.0).sum(axis=1)
    return np.where(relevant > 0, at_hits / np.clip(relevant, 1, k), np.nan)
