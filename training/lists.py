"""Lists of the best products for many users, block by block, from models that score densely."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_array

from training.interactions import BoolArray, FloatArray, IntArray
from training.topk import top_k

BLOCK_CELLS = 4_000_000
"""Scores in memory at once: 32 MB a block, whatever the catalogue's size."""

Scorer = Callable[[IntArray], FloatArray]
"""(n,) users to (n, products) scores: an array for the caller to write to, or a read-only view."""


def recommend_lists(
    scorer: Scorer,
    users: IntArray,
    excluded: csr_array,
    candidates: BoolArray,
    k: int,
    *,
    threads: int = 1,
) -> IntArray:
    """(users, k) positions of the best candidates that a user does not have; see `top_k`.

    Args:
        threads: blocks of users at once. NumPy and LightGBM compute without the interpreter's lock.
    """
    block = max(1, BLOCK_CELLS // max(len(candidates), 1))
    lists = np.full((len(users), k), -1, dtype=np.int64)

    def fill(start: int) -> None:
        some = users[start : start + block]
        scores = np.require(scorer(some), requirements="W")
        scores[:, ~candidates] = -np.inf
        row, product = excluded[some].nonzero()
        scores[row, product] = -np.inf
        best = top_k(scores, k)
        lists[start : start + len(some), : best.shape[1]] = best

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(fill, range(0, len(users), block)):
            pass
    return lists
