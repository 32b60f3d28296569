"""Blend: a weighted sum of the sources' scores; how much each counts depends on the profile's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import BoolArray, FloatArray, IntArray
from training.kinds import Fit, Role
from training.kinds._combined import CombinedModel, Sources, restored_sources
from training.kinds._stored import Stored
from training.labels import LABEL_TABLES
from training.local_features import moment_of
from training.metrics.ndcg import discounts
from training.pools import Pool
from training.reasons import Place, Shopper

SIZES = (0, 3, 10)
"""The least number of events of a profile in each class of users."""
STEPS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5)
"""Weights that are tried for a source."""
ROUNDS = 3
MIN_LISTS = 20
"""A class with fewer lists than that takes the weights of all users."""
MAX_LISTS = 200
"""Lists of each window that weights are fitted on: a few numbers need no more."""
K = 10


@dataclass(frozen=True)
class Blend(CombinedModel):
    """score = the sum over sources of weight * the score as a share of the list's tenth best.

    Args:
        sources: what is blended.
        weights: (classes of SIZES, sources).
        scale: lowest and highest rating.
    """

    sources: Sources
    weights: FloatArray
    scale: tuple[float, float]

    def order(self, pool: Pool) -> FloatArray:
        """(candidates,) weighted sums."""
        shares = _shares(pool, list(self.sources.models))
        return np.asarray((shares * self.weights[_classes(pool)]).sum(axis=1))

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """That of the source that ranks it highest."""
        return self.source_reason(place, shopper)


def _shares(pool: Pool, sources: list[str]) -> FloatArray:
    """(candidates, sources) scores as shares; 0.0 where a source does not propose a candidate."""
    columns = [np.nan_to_num(pool.column(f"{name}_share"), nan=0.0) for name in sources]
    return np.column_stack(columns).astype(np.float64)


def _classes(pool: Pool) -> IntArray:
    """(candidates,) the class of SIZES of each one's user."""
    size = np.nan_to_num(pool.column("user_size"))
    return np.searchsorted(np.array(SIZES), size, side="right") - 1


def fit_weights(pools: tuple[Pool, ...], sources: list[str]) -> FloatArray:
    """(classes, sources) the weights with the best mean nDCG@10 on labelled pools.

    One weight at a time is set to the best of STEPS, in ROUNDS rounds, from the best single source
    on: coordinate ascent, as Metzler and Croft, Linear feature-based models for information
    retrieval, Information Retrieval 2007, section 3.1.
    """
    parts = [_Lists.of(pool, sources) for pool in pools]
    width = max(part.shares.shape[1] for part in parts)
    lists = _Lists(
        np.concatenate([part.padded(width).shares for part in parts]),
        np.concatenate([part.padded(width).relevant for part in parts]),
        np.concatenate([part.classes for part in parts]),
    )
    whole = lists.ascent()
    weights = np.tile(whole, (len(SIZES), 1))
    for number in range(len(SIZES)):
        here = lists.classes == number
        if here.sum() >= MIN_LISTS:
            some = _Lists(lists.shares[here], lists.relevant[here], lists.classes[here])
            weights[number] = some.ascent(whole)
    return weights


@dataclass(frozen=True)
class _Lists:
    """Pools as rectangles, so that a thousand weightings are compared in a second.

    Args:
        shares: (lists, width, sources) -inf in the first source beyond the end of a list.
        relevant: (lists, width).
        classes: (lists,) of SIZES.
    """

    shares: FloatArray
    relevant: BoolArray
    classes: IntArray

    @classmethod
    def of(cls, pool: Pool, sources: list[str]) -> _Lists:
        assert pool.relevant is not None, "a pool that is learned from is labelled"
        _, row = np.unique(pool.row, return_inverse=True)
        lists = int(row.max(initial=-1)) + 1
        place = np.arange(len(row)) - np.searchsorted(row, row)
        width = int(place.max(initial=-1)) + 1
        shares = np.zeros((lists, width, len(sources)))
        shares[..., 0] = -np.inf
        relevant = np.zeros((lists, width), dtype=bool)
        classes = np.zeros(lists, dtype=np.int64)
        shares[row, place] = _shares(pool, sources)
        relevant[row, place] = pool.relevant
        classes[row] = _classes(pool)
        return cls(shares, relevant, classes)

    def padded(self, width: int) -> _Lists:
        more = width - self.shares.shape[1]
        shares = np.pad(self.shares, ((0, 0), (0, more), (0, 0)))
        shares[:, self.shares.shape[1] :, 0] = -np.inf
        return _Lists(shares, np.pad(self.relevant, ((0, 0), (0, more))), self.classes)

    def ascent(self, start: FloatArray | None = None) -> FloatArray:
        """(sources,) the best weights that are found from `start`, or from the best source."""
        sources = self.shares.shape[2]
        if start is None:
            single = np.eye(sources)
            start = single[int(np.argmax([self.gain(one) for one in single]))]
        weights, best = start.copy(), self.gain(start)
        for _ in range(ROUNDS):
            before = best
            for at in range(sources):
                for step in STEPS:
                    tried = weights.copy()
                    tried[at] = step
                    if tried.any() and (gain := self.gain(tried)) > best + 1e-9:
                        weights, best = tried, gain
            if best <= before:
                break
        return weights

    def gain(self, weights: FloatArray) -> float:
        """The mean discounted gain of the lists over that of a perfect list of the pool."""
        scores = np.where(np.isneginf(self.shares[..., 0]), -np.inf, self._sums(weights))
        k = min(K, scores.shape[1])
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        hits = np.take_along_axis(self.relevant, np.take_along_axis(best, order, axis=1), axis=1)
        wanted = np.minimum(self.relevant.sum(axis=1), K)
        ideal = np.r_[np.nan, discounts(K).cumsum()][wanted]
        return float(np.nanmean((hits @ discounts(k)) / ideal))

    def _sums(self, weights: FloatArray) -> FloatArray:
        finite = np.where(np.isneginf(self.shares), 0.0, self.shares)
        return np.asarray(finite @ weights)


class BlendKind:
    """The kind `blend`."""

    name = "blend"
    complexity = 4
    role: Role = "combiner"
    reads = LABEL_TABLES
    parameters: Mapping[str, Any] = {}
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        pools = tuple(pool.with_a_hit(MAX_LISTS, seed=task.seed) for pool in task.pools)
        if sum(len(pool.groups) for pool in pools) < MIN_LISTS:
            return None
        sources = Sources(task.base, moment_of(task.events, task.categories, task.cut))
        return Fit(Blend(sources, fit_weights(pools, list(task.base)), task.scale))

    def store(self, model: Blend) -> Stored:
        arrays, record = model.sources.store()
        return Stored(model.scale, {**arrays, "blend.weights": model.weights}, record)

    def restore(self, stored: Stored) -> Blend:
        return Blend(restored_sources(stored), stored.arrays["blend.weights"], stored.scale)


KIND = BlendKind()
