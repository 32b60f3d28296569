"""A fitted model: what evaluation and serving ask of it, whatever its kind.

A model recommends from profiles: what each user did up to now, which may be more than it learned
from. So what happened after training counts, and so does the visit of someone unknown. Arrays over
the users' index have one spare row at the end, so that the position -1 (an unknown user) falls on
the row of a user without history.
"""

from __future__ import annotations

from typing import Protocol

from training.interactions import FloatArray, IntArray
from training.reasons import Place, Shopper
from training.requests import Question, Ranked


class Model(Protocol):
    """A fitted model: what evaluation and serving ask of it."""

    def rank(self, question: Question) -> Ranked:
        """The best products of many users, best first.

        Memory must not grow with users x products: work in blocks, or sparse. A user about whom it
        has nothing to say gets an empty list; the caller fills it with popular products.
        """
        ...

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray | None:
        """(n,) ratings predicted for n pairs, clipped to the shop's scale; None for a model that
        orders products and predicts no stars."""
        ...

    def places(self, question: Question) -> list[Place]:
        """The best products of the question's one user, with what explains them."""
        ...

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """Why it recommends a product to a user, true of the model, as one line; None when it has
        nothing true to say."""
        ...
