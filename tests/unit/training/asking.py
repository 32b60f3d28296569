"""Small questions for tests of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_array

from training.behaviour import Events, profiles_of
from training.evaluate import pairs
from training.requests import Question

NOW = np.datetime64("2026-03-31", "us")


def events(*rows: tuple[int, int, float, str]) -> Events:
    """Events of (user, product, weight, time), in the order of time."""
    users, products, weights, times = zip(*rows, strict=True) if rows else ((), (), (), ())
    moments = np.array(times, dtype="datetime64[us]")
    order = np.argsort(moments, kind="stable")
    return Events(
        np.array(users, dtype=np.int64)[order],
        np.array(products, dtype=np.int64)[order],
        np.array(weights, dtype=float)[order],
        moments[order],
    )


def question(
    happened: Events,
    users: Sequence[int],
    shape: tuple[int, int],
    *,
    k: int = 10,
    excluded: Iterable[tuple[int, int]] = (),
    unlisted: Sequence[int] = (),
    now: np.datetime64 = NOW,
) -> Question:
    """About some users of a shop of (users, products).

    Args:
        excluded: pairs of a place in `users` and a product.
        unlisted: products that must not be recommended.
    """
    candidates = np.ones(shape[1], dtype=bool)
    candidates[list(unlisted)] = False
    rows, columns = zip(*excluded, strict=True) if excluded else ((), ())
    without = pairs(np.array(rows, dtype=int), np.array(columns, dtype=int), (len(users), shape[1]))
    return Question(
        users=np.array(users),
        profiles=profiles_of(happened, np.array(users), shape),
        now=now,
        k=k,
        candidates=candidates,
        excluded=csr_array(without),
    )
