"""Five-fold RMSE of SVD on MovieLens 100K, next to the figure that Surprise publishes.

`python -m benchmarks.rmse` (MovieLens 100K under RECOMART_DATA). The ratings go our way: labels,
`fit_svd`, the vectorised prediction, our `rmse`. The folds are shuffled, as KFold makes them.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks import movielens
from benchmarks.results import write_result
from recomart.settings import load_settings
from training.kinds.svd import fit_svd
from training.metrics import rmse

PUBLISHED = 0.934
"""https://surprise.readthedocs.io, "Benchmarks": SVD, default parameters, 5 folds, ML-100K."""
TOLERANCE = 0.003
FOLDS = 5


def main() -> int:
    """Print both figures, keep them as JSON, and return 1 when they differ too much."""
    settings = load_settings()
    ratings, users, products, source = movielens.interactions(settings)
    start = time.perf_counter()
    shuffled = np.random.default_rng(0).permutation(len(ratings))
    errors = []
    for fold in np.array_split(shuffled, FOLDS):
        held_out = np.zeros(len(ratings), dtype=bool)
        held_out[fold] = True
        # Surprise walks the ratings in the order of the frame's users; a shuffled frame is
        # what its own KFold gives it.
        known = ratings.where(shuffled[~held_out[shuffled]])
        test = ratings.where(held_out)
        model = fit_svd(
            known, users=users, products=products, scale=movielens.SCALE, seed=settings.seed
        )
        errors.append(rmse(model.ratings(test.users, test.products), test.labels))
    mean, seconds = float(np.mean(errors)), time.perf_counter() - start
    print(f"SVD on {len(ratings):,} ratings ({source}), {FOLDS} folds, {seconds:.1f} s")
    print("  folds      " + "  ".join(f"{error:.4f}" for error in errors))
    print(f"  RMSE       {mean:.4f}")
    print(f"  published  {PUBLISHED:.3f}   difference {mean - PUBLISHED:+.4f}")
    write_result(
        "rmse", {"rmse": mean, "published": PUBLISHED, "folds": errors, "seconds": seconds}
    )
    return 0 if abs(mean - PUBLISHED) <= TOLERANCE else 1


if __name__ == "__main__":
    raise SystemExit(main())
