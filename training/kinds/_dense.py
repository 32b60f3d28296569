"""What models share that score every product for a user known to them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from training.interactions import UNKNOWN, FloatArray, IntArray
from training.lists import recommend_lists
from training.reasons import Place
from training.requests import ListRequest, UserRequest
from training.topk import top_k


class DenseModel(ABC):
    """A model with a score for each user and product; it knows no user without labels."""

    @abstractmethod
    def scores(self, users: IntArray) -> FloatArray:
        """(users, products) scores: higher is recommended first; comparable within a row only."""

    def lists(self, request: ListRequest) -> IntArray:
        """As in `Model`."""
        return recommend_lists(
            self.scores,
            request.users,
            request.excluded,
            request.candidates,
            request.k,
            threads=request.threads,
        )

    def can_rank(self, user: int) -> bool:
        """As in `Model`."""
        return user != UNKNOWN

    def places(self, request: UserRequest) -> list[Place]:
        """As in `Model`; features are not needed."""
        scores = self.scores(np.array([request.user]))[0]
        (best,) = top_k(np.where(request.candidates, scores, -np.inf)[None, :], request.k)
        return [Place(int(at), float(scores[at])) for at in best if at != UNKNOWN]
