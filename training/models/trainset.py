"""From interactions to Surprise's training set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from training.interactions import IntArray, Interactions


def surprise_trainset(known: Interactions, scale: tuple[float, float]) -> Any:
    """A `surprise.Trainset` whose raw ids are positions in our indexes, in the rows' order."""
    import pandas as pd
    from surprise import Dataset, Reader

    ratings = pd.DataFrame(
        {"user": known.users, "product": known.products, "label": known.labels}, copy=False
    )
    return Dataset.load_from_df(ratings, Reader(rating_scale=scale)).build_full_trainset()


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
