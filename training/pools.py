"""Pools: for each user the candidates of all sources together, with what is known of each.

A source's score means something within one user's list of one source only. So a candidate carries
its rank in each list and its score as a share of the list's tenth best, which mean the same for
every user and every shop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.interactions import UNKNOWN, BoolArray, FloatArray, IntArray
from training.local_features import NAMES as MOMENT_NAMES
from training.local_features import Moment
from training.requests import Question, Ranked

LIST = 100
"""Products that each source may propose for a user."""
ANCHOR = 9
"""The place whose score the others of a list are divided by: the tenth."""


@dataclass(frozen=True)
class Pool:
    """The candidates of n users, those of one user together.

    Args:
        row: (m,) the user of each candidate, 0 to n - 1.
        products: (m,) positions.
        names: of the features.
        features: (m, names) single precision; NaN where a source did not propose the candidate.
        users: n.
        relevant: (m,) whether the user came to like it; None while that is not known.
    """

    row: IntArray
    products: IntArray
    names: tuple[str, ...]
    features: npt.NDArray[np.float32]
    users: int
    relevant: BoolArray | None = None

    @property
    def groups(self) -> IntArray:
        """(lists,) how many candidates each user with any has."""
        sizes = np.bincount(self.row, minlength=self.users)
        return sizes[sizes > 0]

    def column(self, name: str) -> npt.NDArray[np.float32]:
        """(m,) a feature."""
        return self.features[:, self.names.index(name)]

    def labelled(self, relevant: BoolArray) -> Pool:
        """The pool with what became of its candidates."""
        return replace(self, relevant=relevant)

    def with_a_hit(self, most: int | None = None, *, seed: int = 0) -> Pool:
        """Of the users with a relevant candidate; of more than `most`, that many drawn at random."""
        assert self.relevant is not None, "a pool that is learned from is labelled"
        hit = np.zeros(self.users, dtype=bool)
        hit[self.row[self.relevant]] = True
        chosen = np.flatnonzero(hit)
        if most is not None and len(chosen) > most:
            drawn = np.random.default_rng(seed).choice(chosen, most, replace=False)
            hit[:] = False
            hit[drawn] = True
        keep = hit[self.row]
        return replace(
            self,
            row=self.row[keep],
            products=self.products[keep],
            features=self.features[keep],
            relevant=self.relevant[keep],
        )

    def with_negatives(self, most: int, *, seed: int = 0) -> Pool:
        """All relevant candidates, and `most` others of each list, drawn at random."""
        assert self.relevant is not None, "a pool that is learned from is labelled"
        drawn = np.random.default_rng(seed).random(len(self.row))
        drawn[self.relevant] = -1.0
        order = np.lexsort((drawn, self.row))
        row = self.row[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        hits = np.bincount(self.row, self.relevant, self.users)[row]
        keep = np.sort(order[place < hits + most])
        return replace(
            self,
            row=self.row[keep],
            products=self.products[keep],
            features=self.features[keep],
            relevant=self.relevant[keep],
        )

    def without(self, left_out: Callable[[str], bool]) -> Pool:
        """The pool without some features."""
        keep = [at for at, name in enumerate(self.names) if not left_out(name)]
        names = tuple(self.names[at] for at in keep)
        return replace(self, names=names, features=self.features[:, keep])

    def standardised(self, scores: FloatArray) -> FloatArray:
        """(m,) scores with mean 0 and deviation 1 within the list of each user."""
        sizes = np.maximum(np.bincount(self.row, minlength=self.users), 1)
        means = np.bincount(self.row, scores, self.users) / sizes
        left = scores - means[self.row]
        deviation = np.sqrt(np.bincount(self.row, left**2, self.users) / sizes)[self.row]
        return np.divide(left, deviation, out=np.zeros_like(left), where=deviation > 1e-12)

    def ranked(self, scores: FloatArray, k: int) -> Ranked:
        """The k best candidates of each user; ties go to the lower position.

        Args:
            scores: (m,) of the candidates; -inf for those that must not be listed.
        """
        order = np.lexsort((self.products, -scores, self.row))
        order = order[scores[order] > -np.inf]
        row = self.row[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        keep = place < k
        products = np.full((self.users, k), UNKNOWN, dtype=np.int64)
        best = np.full((self.users, k), -np.inf)
        products[row[keep], place[keep]] = self.products[order[keep]]
        best[row[keep], place[keep]] = scores[order[keep]]
        return Ranked(products, best)


def pool_of(question: Question, lists: Mapping[str, Ranked], moment: Moment) -> Pool:
    """Unite the lists of several sources.

    Args:
        lists: by source, the LIST best products of each user.
        moment: what is known of the products.
    """
    width = question.profiles.shape[1]
    keys = {source: _keys(found, width) for source, found in lists.items()}
    union = np.unique(
        np.concatenate([key[key >= 0] for key in keys.values()] or [np.empty(0, int)])
    )
    row, product = union // width, union % width
    names: list[str] = []
    columns: list[npt.NDArray[np.float32]] = []
    for source, found in lists.items():
        at = np.searchsorted(union, keys[source][keys[source] >= 0])
        listed = found.products >= 0
        ranks = np.broadcast_to(np.arange(found.products.shape[1]), found.products.shape)
        for name, values in (("rank", ranks), ("share", _shares(found))):
            column = np.full(len(union), np.nan, dtype=np.float32)
            column[at] = values[listed]
            names.append(f"{source}_{name}")
            columns.append(column)
    features = [np.column_stack(columns) if columns else np.empty((len(union), 0), np.float32)]
    features.append(moment.rows(question.profiles, row, product, question.now).astype(np.float32))
    names += MOMENT_NAMES
    if question.features is not None:
        stored = question.features.rows(question.users[row], product)
        features.append(stored.astype(np.float32))
        names += question.features.names
    return Pool(row, product, tuple(names), np.hstack(features), len(question))


def _keys(found: Ranked, width: int) -> IntArray:
    """(n, k) row * width + product; -1 beyond the end of a list."""
    rows = np.arange(len(found.products))[:, None]
    return np.where(found.products >= 0, rows * width + found.products, -1)


def _shares(found: Ranked) -> FloatArray:
    """(n, k) scores over the absolute tenth best, or over the last of a shorter list."""
    listed = found.products >= 0
    last = np.minimum(listed.sum(axis=1), ANCHOR + 1) - 1
    anchor = np.abs(np.take_along_axis(found.scores, np.maximum(last, 0)[:, None], axis=1))
    usable = np.isfinite(anchor) & (anchor > 1e-9)
    scores = np.where(listed, found.scores, 0.0)
    return np.divide(scores, anchor, out=scores.copy(), where=usable)
