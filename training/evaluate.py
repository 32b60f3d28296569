"""A model's metrics on what happened after a cut, with the whole catalogue as candidates."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.sparse import csr_array

from training import metrics
from training.interactions import BoolArray, FloatArray, IntArray

K = 10
"""The length of the lists that models are compared by."""
DEPTH = 20
"""The length of the lists that are made: the deepest place that is looked at."""


@dataclass(frozen=True)
class Holdout:
    """What a model is asked after a cut.

    Args:
        users: (n,) users with at least one relevant product, unknown ones as they are.
        relevant: (all users, products) 1 where the user came to like the product after the cut.
        excluded: (all users, products) 1 where the user had the product before the cut.
        candidates: (products,) which products may be recommended.
        rated_users, rated_products, ratings: held-out ratings, for the errors.
    """

    users: IntArray
    relevant: csr_array
    excluded: csr_array
    candidates: BoolArray
    rated_users: IntArray
    rated_products: IntArray
    ratings: FloatArray

    @classmethod
    def empty(cls, candidates: BoolArray, users: int) -> Holdout:
        """Nobody is asked about."""
        nobody = np.empty(0, dtype=np.int64)
        nothing = csr_array((users, len(candidates)), dtype=np.int8)
        return cls(nobody, nothing, nothing, candidates, nobody, nobody, np.empty(0))


@dataclass(frozen=True)
class Scores:
    """Metrics of one model; ranking ones are means over users, NaN when there is no such user."""

    rmse: float
    mae: float
    precision_at_10: float
    recall_at_10: float
    ndcg_at_10: float
    map_at_10: float
    coverage_at_10: float

    def named(self, prefix: str) -> dict[str, float]:
        """Metrics by name, `<prefix>_<metric>`; undefined ones are left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {f"{prefix}_{k}": v for k, v in values.items() if np.isfinite(v)}


def evaluate_lists(lists: IntArray, holdout: Holdout, predicted: FloatArray | None) -> Scores:
    """Metrics of lists and predicted ratings.

    Args:
        lists: (holdout.users, K or more) positions, -1 beyond the end of a list.
        predicted: (holdout.ratings,) the rating predicted for each held-out pair; None for a model
            that predicts no stars.
    """
    nan = float("nan")
    hits = hits_of(lists, holdout.users, holdout.relevant)
    relevant = np.diff(holdout.relevant.indptr)[holdout.users].astype(np.int64)
    return Scores(
        rmse=nan if predicted is None else metrics.rmse(predicted, holdout.ratings),
        mae=nan if predicted is None else metrics.mae(predicted, holdout.ratings),
        precision_at_10=_mean(metrics.precision(hits, relevant, K)),
        recall_at_10=_mean(metrics.recall(hits, relevant, K)),
        ndcg_at_10=_mean(metrics.ndcg(hits, relevant, K)),
        map_at_10=_mean(metrics.average_precision(hits, relevant, K)),
        coverage_at_10=metrics.coverage(lists[:, :K], int(holdout.candidates.sum())),
    )


def hits_of(lists: IntArray, users: IntArray, relevant: csr_array) -> BoolArray:
    """(users, k) whether the product at each place is relevant for the user."""
    products = relevant.shape[1]
    wanted = relevant[users].tocoo()
    wanted_keys = wanted.coords[0].astype(np.int64) * products + wanted.coords[1]
    keys = np.arange(len(users))[:, None] * products + lists
    return np.isin(keys, wanted_keys) & (lists >= 0)


def pairs(users: IntArray, products: IntArray, shape: tuple[int, int]) -> csr_array:
    """A sparse matrix with 1 at each distinct pair."""
    matrix = csr_array((np.ones(len(users), dtype=np.int8), (users, products)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _mean(values: FloatArray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
