"""Implicit ALS: factors of users and products, by weighted least squares in turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, csr_matrix

from recomart.step import Progress
from training.behaviour import Events
from training.fit_task import FitTask
from training.interactions import BoolArray, FloatArray
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked
from training.reasons import Place, Shopper, alike_reason
from training.requests import Question, Ranked

MIN_USERS = 2


@dataclass(frozen=True)
class Als(ListingModel):
    """score(user, j) = user_factors . product_factors[j].

    A user's factors are solved from their profile when they are asked about: so events after
    training count, and a visitor without a user id has factors too.

    Args:
        product_factors: (products, factors); zeros for products that it has not seen.
        confidence: how much more a pair that happened counts than one that did not.
        regularisation: of the least squares.
        scale: lowest and highest rating.
    """

    product_factors: npt.NDArray[np.float32]
    confidence: float
    regularisation: float
    scale: tuple[float, float]

    def scores(self, question: Question) -> FloatArray:
        """(n, products that it has seen) -inf for users whose profile has none of them."""
        factors, known = self.solve(question.profiles.matrix(), self.seen)
        scores = np.asarray(factors @ self.product_factors[self.seen].T, dtype=np.float64)
        scores[~known] = -np.inf
        return scores

    @cached_property
    def seen(self) -> BoolArray:
        """(products,) whether it has factors."""
        return np.asarray(np.abs(self.product_factors).sum(axis=1) > 0)

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: only products that it has seen."""
        return ranked(question, self.scores, np.flatnonzero(self.seen))

    def solve(
        self, own: csr_array, seen: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The factors of n profiles, and whether there is anything to solve.

        Source: Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets,
        ICDM 2008, equation 4.
        """
        factors = self.product_factors.shape[1]
        gram = self.product_factors.T @ self.product_factors
        gram[np.diag_indices(factors)] += np.float32(self.regularisation)
        solved = np.zeros((own.shape[0], factors), dtype=np.float32)
        known = np.zeros(own.shape[0], dtype=bool)
        for row in range(own.shape[0]):
            at = own.indices[own.indptr[row] : own.indptr[row + 1]]
            at = at[seen[at]]
            if len(at):
                of = self.product_factors[at]
                left = gram + np.float32(self.confidence - 1) * (of.T @ of)
                solved[row] = np.linalg.solve(left, np.float32(self.confidence) * of.sum(axis=0))
                known[row] = True
        return solved, known

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """The user's product whose factors are most like this one's."""
        return alike_reason(self.product_factors, place.product, shopper)


def fit_als(
    events: Events,
    *,
    users: int,
    products: int,
    scale: tuple[float, float],
    factors: int,
    confidence: float,
    regularisation: float,
    passes: int,
    seed: int,
) -> Als | None:
    """Fit with the library `implicit`; None when no product has MIN_USERS users."""
    from implicit.cpu.als import AlternatingLeastSquares

    pairs = events.pairs(users, products)
    enough = np.bincount(pairs.indices, minlength=products) >= MIN_USERS
    if not enough.any():
        return None
    at = np.flatnonzero(enough)
    some = pairs[:, at]
    model = AlternatingLeastSquares(
        factors=factors,
        regularization=regularisation,
        alpha=confidence,
        iterations=passes,
        random_state=seed,
        num_threads=1,
        dtype=np.float32,
    )
    model.fit(csr_matrix(some.astype(np.float32)), show_progress=False)
    of_products = np.zeros((products, factors), dtype=np.float32)
    of_products[at] = model.item_factors
    return Als(of_products, confidence, regularisation, scale)


class AlsKind:
    """The kind `als`."""

    name = "als"
    complexity = 3
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {
        "factors": 48,
        "confidence": 2.0,
        "regularisation": 5.0,
        "passes": 12,
    }
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {
        "factors": (16, 32, 48, 64, 96, 128),
        "confidence": (1.5, 2.0, 4.0, 10.0, 40.0),
        "regularisation": (0.1, 1.0, 5.0, 10.0, 30.0),
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        model = fit_als(
            task.events,
            users=task.users,
            products=task.products,
            scale=task.scale,
            seed=task.seed,
            **parameters,
        )
        return None if model is None else Fit(model)

    def store(self, model: Als) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Als:
        return stored.part(Als, self.name)


KIND = AlsKind()
