"""Interactions as arrays: who, what, how much, when. Users and products are positions in an index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
TimeArray = npt.NDArray[np.datetime64]

UNKNOWN = -1
"""The position of an id that an index lacks. Models keep one spare row at the end for it."""


class Index:
    """Sorted ids and their positions; the order decides ties, so it is that of the ids' text."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids: npt.NDArray[np.str_] = np.unique(np.asarray(list(ids), dtype=np.str_))

    def __len__(self) -> int:
        return len(self.ids)

    def positions(self, ids: Iterable[str]) -> IntArray:
        """(n,) positions of `ids`; UNKNOWN where the index lacks one."""
        wanted = np.asarray(list(ids), dtype=np.str_)
        if not len(self.ids):
            return np.full(len(wanted), UNKNOWN, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[at] == wanted, at, UNKNOWN).astype(np.int64)

    def positions_in(self, column: pa.ChunkedArray) -> IntArray:
        """(n,) positions of a column of ids: each distinct one is looked up once."""
        coded = column.combine_chunks().dictionary_encode()
        return self.positions(coded.dictionary.to_pylist())[coded.indices.to_numpy()]

    def position(self, one: str) -> int:
        """The position of one id, or UNKNOWN."""
        return int(self.positions([one])[0])


@dataclass(frozen=True)
class Interactions:
    """Rows of (user, product, label, time); all arrays have the same length.

    Args:
        users: positions in the users' index.
        products: positions in the products' index.
        labels: how much the user liked the product, on the shop's rating scale.
        times: when it happened, UTC, datetime64[us].
    """

    users: IntArray
    products: IntArray
    labels: FloatArray
    times: TimeArray

    def __len__(self) -> int:
        return len(self.users)

    def where(self, keep: npt.NDArray[np.bool_] | IntArray) -> Interactions:
        """The rows that a mask or positions name."""
        return Interactions(
            self.users[keep], self.products[keep], self.labels[keep], self.times[keep]
        )

    def before(self, cut: np.datetime64) -> Interactions:
        """What had happened strictly before `cut`."""
        return self.where(self.times < cut)

    def between(self, start: np.datetime64, end: np.datetime64) -> Interactions:
        """What happened from `start` on and strictly before `end`."""
        return self.where((self.times >= start) & (self.times < end))

    def one_per_pair(self, *, highest: bool) -> Interactions:
        """One row per user and product: its highest label, or its latest one.

        A rating replaces the one before, so the latest is what the user thinks; of several days'
        affinities the strongest says most. Rows come out in the order of user and product.
        """
        pair = self.users * (int(self.products.max(initial=0)) + 1) + self.products
        rank = self.labels if highest else self.times
        order = np.lexsort((np.arange(len(self)), rank, pair))
        last = np.r_[pair[order][1:] != pair[order][:-1], True] if len(self) else order
        return self.where(order[last] if len(self) else order)
