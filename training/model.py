"""A fitted model: what evaluation and serving ask of it, whatever its kind."""

from __future__ import annotations

from typing import Protocol

from training.interactions import FloatArray, IntArray
from training.reasons import Place, Shopper
from training.requests import ListRequest, UserRequest


class Model(Protocol):
    """A fitted model: what evaluation and serving ask of it."""

    def lists(self, request: ListRequest) -> IntArray:
        """(users, k) positions of the best candidates of many users, best first, -1 beyond the last.

        Memory must not grow with users x products: work in blocks, or sparse.
        """
        ...

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) ratings predicted for n pairs, clipped to the shop's scale."""
        ...

    def can_rank(self, user: int) -> bool:
        """Whether it has anything to say for the user at this position; if not, popularity does."""
        ...

    def places(self, request: UserRequest) -> list[Place]:
        """The best candidates of one user, best first, with features as they are now."""
        ...

    def reason(self, place: Place, shopper: Shopper) -> str:
        """Why it recommends a product to a user, true of the model, as one line."""
        ...
