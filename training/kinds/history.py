"""The user's own products again: what they bought or looked at most, lately counting more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recomart.step import Progress
from training.fit_task import FitTask
from training.kinds import Fit, Role
from training.kinds._listing import ListingModel
from training.kinds._stored import Stored
from training.labels import LABEL_TABLES
from training.ranking import ranked_sparse
from training.reasons import Place, Shopper, again_reason
from training.requests import Question, Ranked


@dataclass(frozen=True)
class OwnHistory(ListingModel):
    """Sums of the weights of a user's own events, which fade with time.

    Args:
        half_life_days: after which an event counts half.
        scale: lowest and highest rating.
    """

    half_life_days: float
    scale: tuple[float, float]

    def rank(self, question: Question) -> Ranked:
        """As in `Model`: only products that the user has touched."""
        return ranked_sparse(question, question.profiles.decayed(question.now, self.half_life_days))

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """How often the user bought it, or how regularly."""
        return again_reason(place.product, shopper)


class OwnHistoryKind:
    """The kind `history`."""

    name = "history"
    complexity = 1
    reads = LABEL_TABLES
    role: Role = "source"
    parameters: Mapping[str, Any] = {"half_life_days": 90.0}
    tries = tuple({"half_life_days": days} for days in (0.25, 1.0, 7.0, 30.0, 90.0, 365.0))
    space: Mapping[str, tuple[Any, ...]] = {
        "half_life_days": (0.1, 0.25, 0.5, 1.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0, 365.0)
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress) -> Fit:
        return Fit(OwnHistory(parameters["half_life_days"], task.scale))

    def store(self, model: OwnHistory) -> Stored:
        return Stored(model.scale, {}, {"history": {"half_life_days": model.half_life_days}})

    def restore(self, stored: Stored) -> OwnHistory:
        return OwnHistory(stored.record["history"]["half_life_days"], stored.scale)


KIND = OwnHistoryKind()
