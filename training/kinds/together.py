"""Co-occurrence in time: what users take within minutes or a day of one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from recomart.step import Progress
from training.behaviour import Events
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked
from training.reasons import Place, Shopper, together_reason
from training.requests import Question, Ranked

AHEAD = 10
"""How many later events of a user each event is paired with, at most."""
NEIGHBOURS = 200
"""Products that are kept for each."""
STRONGEST = 100
SHRINK = 5.0


@dataclass(frozen=True)
class Together(ListingModel):
    """score(user, j) = the sum over the user's recent products i of similarity[i, j].

    Args:
        starts, products, similarities: the matrix by rows, NEIGHBOURS in a row at most.
        half_life_days: after which an event of the profile counts half.
        scale: lowest and highest rating.
    """

    starts: IntArray
    products: IntArray
    similarities: npt.NDArray[np.float32]
    half_life_days: float
    scale: tuple[float, float]

    @property
    def matrix(self) -> csr_array:
        n = len(self.starts) - 1
        return csr_array((self.similarities, self.products, self.starts), shape=(n, n))

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: only products that occurred with one of the user's."""
        return ranked(question, self.scores)

    def scores(self, question: Question) -> FloatArray:
        """(n, products) -inf for products that never occurred with one of the user's.

        Of a long profile the strongest STRONGEST products count.
        """
        own = question.profiles.decayed(question.now, self.half_life_days)
        found = (strongest(own, STRONGEST) @ self.matrix).toarray()
        scores = np.asarray(found, dtype=np.float64)
        scores[scores <= 0] = -np.inf
        return scores

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """The user's product that it occurs with most."""
        column = self.matrix[:, [place.product]].toarray().ravel()[shopper.own]
        if not len(column) or column.max() <= 0:
            return None
        return together_reason(int(shopper.own[column.argmax()]), shopper)


def strongest(matrix: csr_array, most: int) -> csr_array:
    """The matrix with the highest positive entries of each row, `most` at most."""
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, row))
    order = order[matrix.data[order] > 0]
    row = row[order]
    keep = np.arange(len(row)) - np.searchsorted(row, row) < most
    order, row = order[keep], row[keep]
    return csr_array((matrix.data[order], (row, matrix.indices[order])), shape=matrix.shape)


def similarities(events: Events, *, products: int, within: np.timedelta64) -> csr_array:
    """(products, products) cosines of co-occurrence, the best NEIGHBOURS of each row.

    Two events of one user within a time of each other, and at most AHEAD events apart, are one
    co-occurrence; counts are divided by sqrt((n_i + SHRINK) (n_j + SHRINK)).
    """
    order = np.lexsort((events.times, events.users))
    users, items, times = events.users[order], events.products[order], events.times[order]
    firsts, seconds = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
    for ahead in range(1, AHEAD + 1):
        near = np.flatnonzero(
            (users[ahead:] == users[:-ahead]) & (times[ahead:] - times[:-ahead] <= within)
        )
        if not len(near):
            break
        first, second = items[near], items[near + ahead]
        differ = first != second
        firsts += [first[differ].astype(np.int32), second[differ].astype(np.int32)]
        seconds += [second[differ].astype(np.int32), first[differ].astype(np.int32)]
    row, column = np.concatenate(firsts), np.concatenate(seconds)
    total = csr_array(
        (np.ones(len(row), dtype=np.float32), (row, column)), shape=(products, products)
    )
    of_product = np.bincount(items, minlength=products) + SHRINK
    row = np.repeat(np.arange(products), np.diff(total.indptr))
    total.data = (total.data / np.sqrt(of_product[row] * of_product[total.indices])).astype(
        np.float32
    )
    return strongest(total, NEIGHBOURS)


class TogetherKind:
    """The kind `together`."""

    name = "together"
    complexity = 3
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {"within_minutes": 60.0, "half_life_days": 7.0}
    tries: tuple[Mapping[str, Any], ...] = (
        {"within_minutes": 2.0, "half_life_days": 365.0},
        {"within_minutes": 60.0, "half_life_days": 0.25},
        {"within_minutes": 1_440.0, "half_life_days": 30.0},
    )
    space: Mapping[str, tuple[Any, ...]] = {
        "within_minutes": (2.0, 10.0, 60.0, 1_440.0, 10_080.0),
        "half_life_days": (0.1, 0.25, 1.0, 7.0, 30.0, 365.0),
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        within = np.timedelta64(round(parameters["within_minutes"] * 60e6), "us")
        found = similarities(task.events.positive(), products=task.products, within=within)
        if not found.nnz:
            return None
        model = Together(
            found.indptr.astype(np.int64),
            found.indices.astype(np.int64),
            found.data,
            parameters["half_life_days"],
            task.scale,
        )
        return Fit(model)

    def store(self, model: Together) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> Together:
        return stored.part(Together, self.name)


KIND = TogetherKind()
