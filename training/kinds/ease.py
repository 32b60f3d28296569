"""EASE: for each product, the weights of all others that best reconstruct who has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked
from training.reasons import Place, Shopper, together_reason
from training.requests import Question, Ranked

MAX_PRODUCTS = 4_000
"""Of a larger catalogue, the products with the most users: the inverse takes their number cubed
(4,000: 3 s and 130 MB in single precision; 10,000: 40 s and 2.5 GB)."""
MIN_USERS = 2


@dataclass(frozen=True)
class Ease(ListingModel):
    """score(user, j) = the sum over the user's products i of weights[i, j].

    Args:
        covered: (m,) positions of the products that have weights.
        weights: (m, m) single precision, 0 on the diagonal.
        scale: lowest and highest rating.
    """

    covered: IntArray
    weights: npt.NDArray[np.float32]
    scale: tuple[float, float]

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: only products that have weights."""
        return ranked(question, self.scores, self.covered)

    def scores(self, question: Question) -> FloatArray:
        """(n, covered) sums; -inf for users without any product that has weights."""
        own = question.profiles.matrix()[:, self.covered].astype(np.float32)
        scores = np.asarray(own @ self.weights, dtype=np.float64)
        scores[np.diff(own.indptr) == 0] = -np.inf
        return scores

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """The user's product that speaks for it most."""
        row = np.full(len(shopper.products), -1, dtype=np.int64)
        row[self.covered] = np.arange(len(self.covered))
        own = shopper.own[row[shopper.own] >= 0]
        if not len(own) or row[place.product] < 0:
            return None
        weights = self.weights[row[own], row[place.product]]
        best = int(weights.argmax())
        return together_reason(int(own[best]), shopper) if weights[best] > 0 else None


def fit_ease(
    events: Any,
    *,
    users: int,
    products: int,
    scale: tuple[float, float],
    regularisation: float,
    most: int = MAX_PRODUCTS,
) -> Ease | None:
    """Fit on which user has which product; None when no product has MIN_USERS users.

    Args:
        events: `training.behaviour.Events`; a product counts as the user's where their weights add
            up to more than 0.
        regularisation: added to the diagonal of the Gram matrix.

    Source: Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019, equation 8.
    """
    pairs = events.pairs(users, products).tocsc()
    of_product = np.diff(pairs.indptr)
    covered = np.flatnonzero(of_product >= MIN_USERS)
    if not len(covered):
        return None
    if len(covered) > most:
        covered = np.sort(covered[np.argsort(-of_product[covered], kind="stable")[:most]])
    own = pairs[:, covered].astype(np.float32)
    gram = np.asfortranarray((own.T @ own).toarray(), dtype=np.float32)
    gram[np.diag_indices_from(gram)] += np.float32(regularisation)
    inverse = _inverse(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return Ease(covered, weights.astype(np.float32), scale)


def _inverse(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The inverse of a symmetric positive definite matrix, by Cholesky: half of a general one."""
    factor, info = lapack.spotrf(matrix, lower=1, overwrite_a=1)
    assert info == 0, "a Gram matrix with a positive diagonal added is positive definite"
    inverse, info = lapack.spotri(factor, lower=1, overwrite_c=1)
    assert info == 0, "its Cholesky factor has no zero on the diagonal"
    lower = np.tril(inverse, -1)
    return np.asarray(np.tril(inverse) + lower.T)


class EaseKind:
    """The kind `ease`."""

    name = "ease"
    complexity = 3
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {"regularisation": 300.0}
    tries: tuple[Mapping[str, Any], ...] = ({"regularisation": 300.0},)
    space: Mapping[str, tuple[Any, ...]] = {
        "regularisation": (30.0, 100.0, 200.0, 300.0, 500.0, 1000.0, 2000.0)
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        model = fit_ease(
            task.events,
            users=task.users,
            products=task.products,
            scale=task.scale,
            regularisation=parameters["regularisation"],
        )
        return None if model is None else Fit(model)

    def store(self, model: Ease) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Ease:
        return stored.part(Ease, self.name)


KIND = EaseKind()
