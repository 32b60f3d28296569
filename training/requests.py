"""What models are asked: which products are best for some users."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from training.behaviour import Profiles
from training.interactions import BoolArray, FloatArray, IntArray


class FeatureRows(Protocol):
    """Features of users with products at one instant."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def rows(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n, names) the features of n pairs; NaN where there are none."""
        ...


@dataclass(frozen=True)
class Question:
    """Which k products are best for each of n users.

    Args:
        users: (n,) positions; UNKNOWN for one that is not in the index.
        profiles: what they did, up to now.
        now: the time that is asked about.
        k: how many products.
        candidates: (products,) which may be recommended at all.
        excluded: (n, products) 1 where a user must not get a product.
        features: as of now; None when there are none.
        threads: how many may work at once; answers do not depend on it.
    """

    users: IntArray
    profiles: Profiles
    now: np.datetime64
    k: int
    candidates: BoolArray
    excluded: csr_array
    features: FeatureRows | None = None
    threads: int = 1

    def __len__(self) -> int:
        return len(self.users)

    def some(self, rows: slice) -> Question:
        """The same about adjacent users."""
        return replace(
            self,
            users=self.users[rows],
            profiles=self.profiles.some(rows),
            excluded=self.excluded[rows],
        )


@dataclass(frozen=True)
class Ranked:
    """The best products of n users, best first.

    Args:
        products: (n, k) positions; UNKNOWN beyond the end of a list.
        scores: (n, k) comparable within a row only; -inf beyond the end.
    """

    products: IntArray
    scores: FloatArray

    def first(self, k: int) -> Ranked:
        """The k best."""
        return Ranked(self.products[:, :k], self.scores[:, :k])
