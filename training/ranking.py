"""From scores to lists: the best products of many users, block by block or from sparse scores."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from training.interactions import UNKNOWN, FloatArray, IntArray
from training.requests import Question, Ranked
from training.topk import top_k

BLOCK_CELLS = 4_000_000
"""Scores in memory at once: 32 MB a block, whatever the catalogue's size."""

Scorer = Callable[[Question], FloatArray]
"""A question about n users to (n, columns) scores, -inf where the model has nothing to say. An array
for the caller to write to, or a read-only view."""


def ranked(question: Question, scorer: Scorer, columns: IntArray | None = None) -> Ranked:
    """The best of the products that a user may get; see `top_k` for ties.

    Args:
        columns: ascending positions of the products that the scores are of; all by default.
    """
    n, products = question.profiles.shape
    if columns is not None:
        products = len(columns)
        question = replace(
            question,
            candidates=question.candidates[columns],
            excluded=question.excluded[:, columns],
        )
    k = min(question.k, products)
    best = np.full((n, question.k), UNKNOWN, dtype=np.int64)
    scores = np.full((n, question.k), -np.inf)
    block = max(1, BLOCK_CELLS // max(products, 1))

    def fill(start: int) -> None:
        rows = slice(start, min(start + block, n))
        some = question.some(rows)
        found = np.require(scorer(some), requirements="W", dtype=np.float64)
        found[:, ~question.candidates] = -np.inf
        row, product = some.excluded.nonzero()
        found[row, product] = -np.inf
        places = top_k(found, k)
        best[rows, :k] = places
        scores[rows, :k] = np.where(
            places == UNKNOWN, -np.inf, np.take_along_axis(found, np.maximum(places, 0), axis=1)
        )

    with ThreadPoolExecutor(question.threads) as pool:
        for _ in pool.map(fill, range(0, n, block)):
            pass
    if columns is not None:
        best = np.where(best == UNKNOWN, UNKNOWN, columns[np.maximum(best, 0)])
    return Ranked(best, scores)


def ranked_sparse(question: Question, scores: csr_array) -> Ranked:
    """The best of the products that have a score above 0; ties go to the lower position.

    Args:
        scores: (n, products).
    """
    found = scores.tocoo()
    row, product = (axis.astype(np.int64) for axis in found.coords)
    width = scores.shape[1]
    had = question.excluded.tocoo()
    free = ~np.isin(row * width + product, had.coords[0].astype(np.int64) * width + had.coords[1])
    keep = np.flatnonzero(free & (found.data > 0) & question.candidates[product])
    row, product, values = row[keep], product[keep], found.data[keep].astype(np.float64)
    order = np.lexsort((product, -values, row))
    row, product, values = row[order], product[order], values[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    listed = place < question.k
    best = np.full((len(question), question.k), UNKNOWN, dtype=np.int64)
    top = np.full((len(question), question.k), -np.inf)
    best[row[listed], place[listed]] = product[listed]
    top[row[listed], place[listed]] = values[listed]
    return Ranked(best, top)


def ranked_alike(question: Question, scores: FloatArray) -> Ranked:
    """The same scores for every user, of whom each leaves out what they must not get.

    Args:
        scores: (products,) -inf for what must not be recommended.
    """
    most = int(np.diff(question.excluded.indptr).max(initial=0))
    allowed = np.where(question.candidates, scores, -np.inf)
    (order,) = top_k(allowed[None, :], min(question.k + most, len(scores)))
    order = order[order != UNKNOWN]
    width = len(scores)
    had = question.excluded.tocoo()
    keys = np.arange(len(question))[:, None] * width + order[None, :]
    free = ~np.isin(keys, had.coords[0].astype(np.int64) * width + had.coords[1])
    place = free.cumsum(axis=1) - 1
    row, column = np.nonzero(free & (place < question.k))
    best = np.full((len(question), question.k), UNKNOWN, dtype=np.int64)
    top = np.full((len(question), question.k), -np.inf)
    best[row, place[row, column]] = order[column]
    top[row, place[row, column]] = scores[order[column]]
    return Ranked(best, top)


def filled(lists: Ranked, popular: Ranked) -> IntArray:
    """(n, k) lists whose free places are taken by popular products that are not on them.

    Args:
        popular: at least as long.
    """
    k = lists.products.shape[1]
    found = lists.products.copy()
    for row in np.flatnonzero((found == UNKNOWN).any(axis=1)):
        own = found[row][found[row] != UNKNOWN]
        more = popular.products[row][~np.isin(popular.products[row], own)]
        joined = np.r_[own, more[more != UNKNOWN]][:k]
        found[row, : len(joined)] = joined
    return found
