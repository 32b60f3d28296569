"""A kind of model as somebody else would add one: a copy of this file in training/kinds/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recomart.step import Progress
from training.fit_task import FitTask
from training.interactions import FloatArray
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored, arrays_of
from training.labels import LABEL_TABLES
from training.ranking import ranked_alike
from training.reasons import Place, Shopper
from training.requests import Question, Ranked


@dataclass(frozen=True)
class NewestFirst(ListingModel):
    """Products in the order in which somebody last turned to them.

    Args:
        last: (products,) microseconds since 1970; 0 for products that nobody turned to.
        scale: lowest and highest rating.
    """

    last: FloatArray
    scale: tuple[float, float]

    def rank(self, question: Question) -> Ranked:
        return ranked_alike(question, self.last)

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        return "somebody chose it a moment ago"


class NewestFirstKind:
    name = "newest_first"
    complexity = 1
    role: Role = "source"
    reads = LABEL_TABLES
    parameters: Mapping[str, Any] = {}
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress) -> Fit:
        last = np.zeros(task.products)
        np.maximum.at(last, task.events.products, task.events.times.astype("int64").astype(float))
        return Fit(NewestFirst(last, task.scale))

    def store(self, model: NewestFirst) -> Stored:
        return Stored(model.scale, arrays_of(self.name, model))

    def restore(self, stored: Stored) -> NewestFirst:
        return stored.part(NewestFirst, self.name)


KIND = NewestFirstKind()
