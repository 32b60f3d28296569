"""The kinds of model, from the simplest on, and what is common to them.

A model holds arrays over the products' index and over the users' index with one spare row at the
end, so that the position -1 (an unknown user) falls on the row of a user without history.
"""

from __future__ import annotations

from typing import Protocol

from training.interactions import FloatArray, IntArray

KINDS = ("popularity", "bias", "svd", "ranker")
"""Simplest first: of two kinds that rank equally well, the earlier one is champion."""


class Model(Protocol):
    """What evaluation and serving ask of a fitted model."""

    def scores(self, users: IntArray) -> FloatArray:
        """(users, products) scores: higher is recommended first; comparable within a row only."""
        ...

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) ratings predicted for n pairs, clipped to the shop's scale."""
        ...
