"""How sure a mean over users is: percentile intervals from resampled users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.interactions import FloatArray

RESAMPLES = 2_000
LEVEL = 0.95
BLOCK_CELLS = 4_000_000
"""Counts in memory at once: 32 MB."""


@dataclass(frozen=True)
class Interval:
    """A mean over users with its bootstrap interval; all NaN for no users."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(values: FloatArray, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """The mean over users and its percentile interval; users without a value are left out.

    Args:
        values: (users,)
    """
    (found,) = intervals(values[np.isfinite(values)][:, None], seed=seed, resamples=resamples)
    return found


def intervals(values: FloatArray, *, seed: int, resamples: int = RESAMPLES) -> list[Interval]:
    """The mean and its percentile interval of each of m figures, users drawn with replacement.

    All figures are of the same draws. So the interval of the difference of two is the interval of
    the column of their differences: a paired comparison.

    Args:
        values: (users, m) finite.

    Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.
    """
    users, figures = values.shape
    if not users:
        nan = float("nan")
        return [Interval(nan, nan, nan)] * figures
    means = np.vstack([counts @ values for counts in _draws(users, seed, resamples)]) / users
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    of_all = values.mean(axis=0)
    return [Interval(float(of_all[at]), float(low[at]), float(high[at])) for at in range(figures)]


def _draws(users: int, seed: int, resamples: int) -> Iterator[FloatArray]:
    """Some resamples at a time: (resamples, users) how often each user was drawn."""
    random = np.random.default_rng(seed)
    block = max(1, BLOCK_CELLS // users)
    for start in range(0, resamples, block):
        number = min(block, resamples - start)
        drawn = random.integers(0, users, (number, users))
        drawn += np.arange(number)[:, None] * users
        counts = np.bincount(drawn.ravel(), minlength=number * users)
        yield counts.reshape(number, users).astype(np.float64)
