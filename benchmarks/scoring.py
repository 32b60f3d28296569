"""Scores and top 10 of all users over the whole catalogue: ours against Surprise's own loop.

`python -m benchmarks.scoring` (MovieLens 100K under RECOMART_DATA). Both answer for the same pairs
with the same fitted model, on one BLAS thread; the scores are compared, and so are the lists.
"""

from __future__ import annotations

import heapq
import statistics
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import movielens
from benchmarks.results import write_result
from recomart.settings import load_settings
from training.kinds.svd import EPOCHS, FACTORS, fit_svd
from training.surprise_trainset import surprise_trainset
from training.topk import top_k

K = 10
OUR_RUNS = 15
SURPRISE_RUNS = 3
AT_LEAST = 50.0


def by_surprise(fitted: Any, users: int, products: int) -> tuple[np.ndarray, np.ndarray]:
    """Surprise's `predict` for each pair, and the 10 best of each user by a heap."""
    scores = np.empty((users, products))
    lists = np.empty((users, K), dtype=np.int64)
    for user in range(users):
        row = [fitted.predict(user, product, clip=False).est for product in range(products)]
        scores[user] = row
        ranked = heapq.nsmallest(K, ((-score, product) for product, score in enumerate(row)))
        lists[user] = [product for _, product in ranked]
    return scores, lists


def main() -> int:
    """Print the comparison, keep it as JSON, and return 1 when it falls below the limit."""
    import surprise

    settings = load_settings()
    ratings, users, products, source = movielens.interactions(settings)
    model = fit_svd(
        ratings, users=users, products=products, scale=movielens.SCALE, seed=settings.seed
    )
    trainset = surprise_trainset(ratings, movielens.SCALE)
    fitted = surprise.SVD(FACTORS, EPOCHS, random_state=settings.seed).fit(trainset)
    everyone = np.arange(users)
    theirs, ours = [], []
    with threadpool_limits(1):
        for _ in range(SURPRISE_RUNS):
            start = time.perf_counter()
            their_scores, their_lists = by_surprise(fitted, users, products)
            theirs.append(time.perf_counter() - start)
        for _ in range(OUR_RUNS):
            start = time.perf_counter()
            our_scores = model.of_users(everyone)
            our_lists = top_k(our_scores, K)
            ours.append(time.perf_counter() - start)
    np.testing.assert_allclose(our_scores, their_scores, rtol=0, atol=1e-9)
    in_list = np.take_along_axis(their_scores, our_lists, axis=1)
    best = np.take_along_axis(their_scores, their_lists, axis=1)
    np.testing.assert_allclose(in_list, best, rtol=0, atol=1e-9)
    faster = statistics.median(theirs) / statistics.median(ours)
    result = {
        "pairs": users * products,
        "source": source,
        "surprise_seconds": statistics.median(theirs),
        "recomart_seconds": statistics.median(ours),
        "times_faster": faster,
        "at_least": AT_LEAST,
        "same_lists": float((our_lists == their_lists).all(axis=1).mean()),
        "largest_difference": float(np.abs(our_scores - their_scores).max()),
    }
    print(f"scores and top {K} of {users:,} users x {products:,} products ({source})")
    print(f"  Surprise, predict in a loop   {result['surprise_seconds']:9.3f} s")
    print(f"  RecoMart, matrix product      {result['recomart_seconds']:9.3f} s")
    print(f"  {faster:.0f} times faster (at least {AT_LEAST:.0f} asked)")
    write_result("scoring", result)
    return 0 if faster >= AT_LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
