"""User nearest neighbours: what users with the most similar profiles have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked
from training.reasons import Place, Shopper
from training.requests import Question, Ranked

SHRINK = 5.0
"""Products that are added to the size of each profile: two users with one product in common are
not equal."""
MAX_USERS = 50_000
"""Of more users, those with the newest events."""


@dataclass(frozen=True)
class Neighbours(ListingModel):
    """score(user, j) = the sum of similarities to the nearest users who have j.

    Args:
        starts, products: the profiles of the users that it learned from, as rows of a sparse matrix.
        width: how many products there are.
        nearest: how many users count.
        scale: lowest and highest rating.
    """

    starts: IntArray
    products: IntArray
    width: int
    nearest: int
    scale: tuple[float, float]

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: only products that a neighbour has."""
        return ranked(question, self.scores)

    def scores(self, question: Question) -> FloatArray:
        """(n, products) sums; -inf where no neighbour has the product.

        The user's own row is among the neighbours; it adds to their own products alone.
        """
        theirs = self._profiles
        own = question.profiles.matrix()
        common = (own @ theirs.T).toarray()
        sizes = np.sqrt(
            (np.diff(own.indptr) + SHRINK)[:, None] * (np.diff(theirs.indptr) + SHRINK)[None, :]
        )
        similar = common / sizes
        nearest = min(int(self.nearest), similar.shape[1])
        least = -np.partition(-similar, nearest - 1, axis=1)[:, nearest - 1]
        similar[similar < least[:, None]] = 0.0
        scores = np.asarray((csr_array(similar) @ theirs).toarray(), dtype=np.float64)
        scores[scores <= 0] = -np.inf
        return scores

    @cached_property
    def _profiles(self) -> csr_array:
        """(users, products) 1.0 where a user that it learned from has a product."""
        return csr_array(
            (np.ones(len(self.products)), self.products, self.starts),
            shape=(len(self.starts) - 1, int(self.width)),
        )

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        return "customers with a history like yours have it"


class NeighboursKind:
    """The kind `neighbours`."""

    name = "neighbours"
    complexity = 3
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {"nearest": 80}
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {"nearest": (20, 40, 80, 160, 320)}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        pairs = task.events.pairs(task.users, task.products)
        some = np.flatnonzero(np.diff(pairs.indptr) > 0)
        if len(some) < 2:
            return None
        if len(some) > MAX_USERS:
            newest = np.full(task.users, np.datetime64(0, "us"))
            newest[task.events.users] = task.events.times
            some = np.sort(some[np.argsort(newest[some], kind="stable")[-MAX_USERS:]])
        rows = pairs[some]
        model = Neighbours(
            rows.indptr.astype(np.int64),
            rows.indices.astype(np.int64),
            task.products,
            parameters["nearest"],
            task.scale,
        )
        return Fit(model)

    def store(self, model: Neighbours) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Neighbours:
        return stored.part(Neighbours, self.name)


KIND = NeighboursKind()
