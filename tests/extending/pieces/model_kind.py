"""A kind of model as somebody else would add one: a copy of this file in training/kinds/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray
from training.kinds import Fit
from training.kinds._dense import DenseModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.reasons import Place, Shopper


@dataclass(frozen=True)
class NewestFirst(DenseModel):
    """Products in the order in which they were last liked.

    Args:
        last: (products,) microseconds since 1970; 0 for products that nobody liked.
        scale: lowest and highest rating.
    """

    last: FloatArray
    scale: tuple[float, float]

    def scores(self, users: IntArray) -> FloatArray:
        return np.broadcast_to(self.last, (len(users), len(self.last)))

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        return np.full(len(users), sum(self.scale) / 2)

    def reason(self, place: Place, shopper: Shopper) -> str:
        return "somebody liked it a moment ago"


class NewestFirstKind:
    name = "newest_first"
    complexity = 1
    reads = LABEL_TABLES
    builds_on: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = {}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, *, progress: Progress) -> Fit:
        last = np.zeros(task.products)
        np.maximum.at(last, task.known.products, task.known.times.astype("int64").astype(float))
        return Fit(NewestFirst(last, task.scale))

    def store(self, model: NewestFirst) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> NewestFirst:
        return stored.part(NewestFirst, self.name)


KIND = NewestFirstKind()
