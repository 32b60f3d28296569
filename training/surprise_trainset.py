"""From interactions to Surprise's training set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from training.interactions import FloatArray, IntArray, Interactions


def surprise_trainset(known: Interactions, scale: tuple[float, float]) -> Any:
    """A `surprise.Trainset` whose raw ids are positions in our indexes, in the rows' order.

    What Surprise's `build_full_trainset` makes of the same rows, in a quarter of the time: that
    one goes through them by a loop over tuples.
    """
    from surprise import Trainset

    raw_users, users = _numbered(known.users)
    raw_items, items = _numbered(known.products)
    return Trainset(
        _ratings_of_each(users, items, known.labels),
        _ratings_of_each(items, users, known.labels),
        len(raw_users),
        len(raw_items),
        len(known),
        scale,
        {raw: inner for inner, raw in enumerate(raw_users.tolist())},
        {raw: inner for inner, raw in enumerate(raw_items.tolist())},
    )


def positions(trainset: Any) -> tuple[IntArray, IntArray]:
    """The positions of Surprise's inner users and inner items in our indexes."""
    users = [trainset.to_raw_uid(inner) for inner in range(trainset.n_users)]
    items = [trainset.to_raw_iid(inner) for inner in range(trainset.n_items)]
    return np.asarray(users, dtype=np.int64), np.asarray(items, dtype=np.int64)


def report_epochs(trainset: Any, each: Callable[[int], None]) -> None:
    """Call `each(n)` when epoch n (from 1) begins.

    Surprise offers no callback, but its solver asks the training set for all ratings once an
    epoch. The ratings are kept in a list: they are the same each time.
    """
    _ = trainset.global_mean  # computed on first use, from the same all_ratings
    rows = list(trainset.all_ratings())
    epochs = 0

    def all_ratings() -> Iterator[tuple[int, int, float]]:
        nonlocal epochs
        epochs += 1
        each(epochs)
        return iter(rows)

    trainset.all_ratings = all_ratings


def _numbered(raw: IntArray) -> tuple[IntArray, IntArray]:
    """Ids in the order in which they first appear, and each row's number among them."""
    sorted_ids, first, row = np.unique(raw, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return sorted_ids[order], number[row]


def _ratings_of_each(
    key: IntArray, other: IntArray, ratings: FloatArray
) -> dict[int, list[tuple[int, float]]]:
    """(other, rating) of each key's rows, in their order; keys are 0, 1, 2 ... by appearance."""
    order = np.argsort(key, kind="stable")
    rows = list(zip(other[order].tolist(), ratings[order].tolist(), strict=True))
    ends = np.bincount(key).cumsum().tolist()
    return {at: rows[start:end] for at, (start, end) in enumerate(pairwise([0, *ends]))}
