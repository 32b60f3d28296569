"""What models share that list products, with or without a score for each."""

from __future__ import annotations

from abc import ABC, abstractmethod

from training.interactions import FloatArray, IntArray
from training.ranking import ranked
from training.reasons import Place, Shopper
from training.requests import Question, Ranked


class ListingModel(ABC):
    """A model that orders products and predicts no stars."""

    @abstractmethod
    def rank(self, question: Question) -> Ranked:
        """As in `Model`."""

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray | None:
        """As in `Model`."""
        return None

    def places(self, question: Question) -> list[Place]:
        """As in `Model`."""
        best = self.rank(question)
        return [
            Place(int(product), float(score))
            for product, score in zip(best.products[0], best.scores[0], strict=True)
            if product >= 0
        ]

    @abstractmethod
    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """As in `Model`."""


class ScoringModel(ListingModel):
    """A model with a score for every product."""

    @abstractmethod
    def scores(self, question: Question) -> FloatArray:
        """(n, products) scores: higher is recommended first; -inf where it has nothing to say."""

    def rank(self, question: Question) -> Ranked:
        """As in `Model`."""
        return ranked(question, self.scores)
