"""Surprise's SVD as arrays: the scores of a whole catalogue are one matrix product."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress, no_progress
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray, Interactions
from training.kinds import Fit, Role
from training.kinds._listing import ScoringModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.reasons import Place, Shopper, alike_reason, quality_reason
from training.requests import Question
from training.surprise_trainset import positions, report_epochs, surprise_trainset

FACTORS = 100
EPOCHS = 20
BLOCK_PAIRS = 1_000
MAX_LABELS = 150_000
"""Of more labels, the newest: an epoch over a million of them takes more than a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SVD(ScoringModel):
    """rating = mean + user_bias + product_bias + user_factors . product_factors.

    Args:
        mean: of all labels it was fitted on.
        user_bias: (users + 1,); 0 for users without labels and for the unknown user at the end.
        product_bias: (products,); 0 for products without labels.
        user_factors: (users + 1, factors); zeros for the same users.
        product_factors: (products, factors); zeros for products without labels.
        scale: lowest and highest rating.
    """

    mean: float
    user_bias: FloatArray
    product_bias: FloatArray
    user_factors: FloatArray
    product_factors: FloatArray
    scale: tuple[float, float]

    def scores(self, question: Question) -> FloatArray:
        """(n, products) predicted ratings, not clipped, so that the best ones do not tie."""
        return self.of_users(question.users)

    def of_users(self, users: IntArray) -> FloatArray:
        """(n, products) as `scores`, of users by their positions."""
        scores = self.user_factors[users] @ self.product_factors.T
        scores += (self.mean + self.user_bias[users])[:, None]
        scores += self.product_bias
        return scores

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) predicted ratings on the scale."""
        taste = self.taste(users, products)
        base = self.mean + self.user_bias[users] + self.product_bias[products]
        return np.clip(base + taste, *self.scale)

    def taste(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) products of the factors of n pairs, block by block: they take 1.6 kB a pair."""
        taste = np.empty(len(users))
        for start in range(0, len(users), BLOCK_PAIRS):
            some = slice(start, start + BLOCK_PAIRS)
            np.einsum(
                "nf,nf->n",
                self.user_factors[users[some]],
                self.product_factors[products[some]],
                out=taste[some],
            )
        return taste

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """The user's taste, where it counts for more than what all think of the product."""
        taste = float(self.user_factors[shopper.user] @ self.product_factors[place.product])
        if taste > 0 and taste >= self.product_bias[place.product]:
            alike = alike_reason(self.product_factors, place.product, shopper)
            return alike or "close to your taste"
        return quality_reason(shopper, place.product)


def fit_svd(
    known: Interactions,
    *,
    users: int,
    products: int,
    scale: tuple[float, float],
    seed: int,
    epochs: int = EPOCHS,
    progress: Progress = no_progress,
) -> SVD:
    """Fit Surprise's SVD (FACTORS factors, its other defaults) and keep its arrays.

    The same seed and rows give the same bits; a fit of n epochs is the beginning of one of more.

    Args:
        progress: called as ("SVD", epoch, epochs) when an epoch begins.

    Source: Funk 2006; Koren, Bell and Volinsky, Matrix factorization techniques for recommender
    systems, IEEE Computer 2009.
    """
    (fitted,) = fit_svds(
        known,
        users=users,
        products=products,
        scale=scale,
        seed=seed,
        epochs=(epochs,),
        progress=progress,
    )
    return fitted


def fit_svds(
    known: Interactions,
    *,
    users: int,
    products: int,
    scale: tuple[float, float],
    seed: int,
    epochs: Sequence[int],
    progress: Progress = no_progress,
) -> list[SVD]:
    """A fit of each of these numbers of epochs, on the same rows: see `fit_svd`.

    Args:
        progress: called as ("SVD", epoch, all epochs of all fits) when an epoch begins.
    """
    import surprise

    trainset = surprise_trainset(known, scale)
    in_all = sum(epochs)
    report_epochs(trainset, lambda epoch: progress("SVD", epoch, in_all))
    at_users, at_products = positions(trainset)
    models = []
    for number in epochs:
        fitted = surprise.SVD(n_factors=FACTORS, n_epochs=number, random_state=seed).fit(trainset)
        user_bias, product_bias = np.zeros(users + 1), np.zeros(products)
        user_factors, product_factors = (
            np.zeros((users + 1, FACTORS)),
            np.zeros((products, FACTORS)),
        )
        user_bias[at_users] = fitted.bu
        product_bias[at_products] = fitted.bi
        user_factors[at_users] = fitted.pu
        product_factors[at_products] = fitted.qi
        mean = float(trainset.global_mean)
        models.append(SVD(mean, user_bias, product_bias, user_factors, product_factors, scale))
    return models


class SVDKind:
    """The kind `svd`."""

    name = "svd"
    complexity = 2
    reads = LABEL_TABLES
    role: Role = "stars"
    parameters: Mapping[str, Any] = {"n_factors": FACTORS, "n_epochs": EPOCHS}
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {}

    def passes(self, task: FitTask) -> int:
        """The epochs of all fits: Surprise gives no model between two epochs."""
        return sum(task.stops) + EPOCHS

    def fit(self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress) -> Fit:
        known = task.known
        if len(known) > MAX_LABELS:
            log.info("SVD is fitted on the newest %d of %d labels", MAX_LABELS, len(known))
            known = known.where(np.sort(np.argsort(known.times, kind="stable")[-MAX_LABELS:]))
        *stages, model = fit_svds(
            known,
            users=task.users,
            products=task.products,
            scale=task.scale,
            seed=task.seed,
            epochs=(*task.stops, EPOCHS),
            progress=progress,
        )
        return Fit(model, tuple(stages))

    def store(self, model: SVD) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> SVD:
        return stored.part(SVD, self.name)


KIND = SVDKind()
