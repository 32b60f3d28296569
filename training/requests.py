"""What the kinds of model are asked: to fit, and to rank products for users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.sparse import csr_array

from training.behaviour import Events, Profiles
from training.interactions import BoolArray, FloatArray, IntArray, Interactions

if TYPE_CHECKING:
    from training.kinds import Model
    from training.pools import Pool


@dataclass(frozen=True)
class FitTask:
    """A fit as of a cut. It can be pickled, to be done in another process.

    Args:
        known: the labels before the cut, one per user and product.
        events: what users did before the cut.
        cut: what happened from then on is unknown.
        users, products: how many there are.
        categories: (products,) the category of each, as a number.
        scale: lowest and highest rating.
        relevant: the label from which on a user liked a product.
        seed: of everything that is random.
        stops: after how many passes the model is wanted too, below the full number.
        base: models of this cut by kind, for a kind that builds on others.
        pools: labelled candidates of earlier windows, for such a kind.
    """

    known: Interactions
    events: Events
    cut: np.datetime64
    users: int
    products: int
    categories: IntArray
    scale: tuple[float, float]
    relevant: float
    seed: int
    stops: tuple[int, ...] = ()
    base: Mapping[str, Model] = field(default_factory=dict)
    pools: tuple[Pool, ...] = ()


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
