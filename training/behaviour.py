"""What users did, as events in the order of time, and the profiles that models recommend from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from training.interactions import FloatArray, IntArray, TimeArray

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class Events:
    """What users did: one row per event, in the order of time. All arrays have the same length.

    Args:
        users, products: positions in the indexes.
        weights: how much the event says for the product; negative says against it.
        times: when it happened, UTC, datetime64[us].
    """

    users: IntArray
    products: IntArray
    weights: FloatArray
    times: TimeArray

    def __len__(self) -> int:
        return len(self.users)

    def where(self, keep: npt.NDArray[np.bool_] | IntArray | slice) -> Events:
        """The rows that a mask or positions name."""
        return Events(self.users[keep], self.products[keep], self.weights[keep], self.times[keep])

    def before(self, cut: np.datetime64) -> Events:
        """What had happened strictly before `cut`; a view."""
        return self.where(slice(0, int(np.searchsorted(self.times, cut))))

    def between(self, start: np.datetime64, end: np.datetime64) -> Events:
        """What happened from `start` on and strictly before `end`; a view."""
        first, last = np.searchsorted(self.times, np.array([start, end]))
        return self.where(slice(int(first), int(last)))

    def positive(self) -> Events:
        """What speaks for a product."""
        return self.where(self.weights > 0)

    def pairs(self, users: int, products: int) -> csr_array:
        """(users, products) 1.0 where the weights of a user's events on a product add up to more
        than 0."""
        matrix = csr_array((self.weights, (self.users, self.products)), shape=(users, products))
        matrix.sum_duplicates()
        matrix.data = (matrix.data > 0).astype(np.float64)
        matrix.eliminate_zeros()
        return matrix


@dataclass(frozen=True)
class Profiles:
    """The events of n users, those of one user together, in the order of time.

    Args:
        starts: (n + 1,) where the events of a row begin and end.
        products, weights, times: of the events.
        shape: (n, products).
    """

    starts: IntArray
    products: IntArray
    weights: FloatArray
    times: TimeArray
    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def rows(self) -> IntArray:
        """(events,) the row of each event."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def matrix(self) -> csr_array:
        """(n, products) 1.0 where the weights of a user's events on a product add up to more than
        0."""
        return Events(self.rows, self.products, self.weights, self.times).pairs(*self.shape)

    def decayed(self, now: np.datetime64, half_life_days: float) -> csr_array:
        """(n, products) sums of weights, an event of `half_life_days` ago at half its weight."""
        age = (now - self.times).astype("timedelta64[us]").astype(np.float64) / DAY
        weights = self.weights * 0.5 ** (np.maximum(age, 0.0) / half_life_days)
        matrix = csr_array((weights, (self.rows, self.products)), shape=self.shape)
        matrix.sum_duplicates()
        return matrix

    def some(self, rows: slice) -> Profiles:
        """The profiles of adjacent rows."""
        first, last, _ = rows.indices(len(self))
        events = slice(int(self.starts[first]), int(self.starts[last]))
        return Profiles(
            self.starts[first : last + 1] - self.starts[first],
            self.products[events],
            self.weights[events],
            self.times[events],
            (last - first, self.shape[1]),
        )


def profiles_of(events: Events, users: IntArray, shape: tuple[int, int]) -> Profiles:
    """The profiles of some users; those without events have an empty one.

    Args:
        users: (n,) positions; UNKNOWN gives an empty profile.
        shape: (all users, products).
    """
    row = np.full(shape[0] + 1, -1, dtype=np.int64)
    known = users >= 0
    row[users[known]] = np.flatnonzero(known)
    at = row[events.users]
    keep = np.flatnonzero(at >= 0)
    keep = keep[np.argsort(at[keep], kind="stable")]
    counts = np.bincount(at[keep], minlength=len(users))
    return Profiles(
        np.r_[0, counts.cumsum()].astype(np.int64),
        events.products[keep],
        events.weights[keep],
        events.times[keep],
        (len(users), shape[1]),
    )
