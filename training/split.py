"""The split by time: several cuts, so that nothing a model is asked about was known to it.

    |------------- history -------------|-- w1 --|-- w2 --|-- w3 --|- validation -|--- test ---|
    first label                         c1       c2       c3       c4             c5        as_of
                                        60%      67%      73%      80%            90%

A cut is a UTC midnight, near that share of the labels: batch features are those of whole days, so
the state at a cut is all that was known then. At each cut the base models (popularity, bias,
SVD) are fitted on the labels before it, and the features are those as of it; the labels in the
window that follows are what is to be foretold. So:

- the ranker learns from w1, w2 and w3, each with base scores of models that had not seen it;
- the champion is chosen on the validation window, by models of c4 and the ranker of w1 to w3;
- test figures come from models of c5 and the ranker of w1 to w3 and validation;
- what is served is fitted once more, on all labels, and its ranker on all five windows.

The same products that the shop would not recommend at a cut (the user had them before it, and the
shop does not count repeat purchases) are no candidates in the window after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.evaluate import Holdout, pairs
from training.interactions import IntArray, TimeArray
from training.labels import ShopData

SHARES = (0.60, 0.6667, 0.7333, 0.80, 0.90)
MAX_EVALUATED_USERS = 2_000
"""More users than that are sampled: their mean no longer moves in the third digit."""


@dataclass(frozen=True)
class Window:
    """The time from a cut (a UTC midnight) up to and without `end`."""

    cut: np.datetime64
    end: np.datetime64


@dataclass(frozen=True)
class Split:
    """Windows in the order of time.

    Args:
        training: what the ranker learns from; empty when the shop has too few days.
        validation: what the champion is chosen on; None when the shop has a single day.
        test: what is reported; None when the shop has fewer than three days.
    """

    training: tuple[Window, ...]
    validation: Window | None
    test: Window | None

    @property
    def windows(self) -> tuple[Window, ...]:
        """All of them, in the order of time."""
        held_out = [window for window in (self.validation, self.test) if window is not None]
        return (*self.training, *held_out)


def split_by_time(times: TimeArray, as_of: np.datetime64) -> Split:
    """Cut the labels' time at midnights near SHARES of them; fewer cuts where days are few.

    Chosen from the last share on, each before the one chosen last, so that the windows are never
    empty. The last two cuts go to validation and test; with a single one there is no test window.

    Args:
        times: (n,) of the labels, none after `as_of`.
    """
    midnights = np.unique(times.astype("datetime64[D]"))[1:].astype("datetime64[us]")
    if not len(midnights):
        return Split((), None, None)
    share_before = np.searchsorted(np.sort(times), midnights) / len(times)
    chosen: list[int] = []
    for share in reversed(SHARES):
        free = share_before[: chosen[-1] if chosen else None]
        if len(free):
            chosen.append(int(np.abs(free - share).argmin()))
    cuts = midnights[chosen[::-1]]
    ends = [*cuts[1:], as_of + np.timedelta64(1, "us")]
    windows = [Window(cut, end) for cut, end in zip(cuts, ends, strict=True)]
    if len(windows) == 1:
        return Split((), windows[0], None)
    return Split(tuple(windows[:-2]), windows[-2], windows[-1])


def holdout(data: ShopData, window: Window, *, seed: int) -> Holdout:
    """What happened in a window, as the question to a model that learned from what was before it.

    Relevant is a listed product that the user liked in the window (label of at least
    rules.relevant) and, unless repeat purchases count, neither bought nor rated before the cut.
    """
    shape = (len(data.users), len(data.products))
    happened = data.labels.between(window.cut, window.end)
    known = data.owned.before(window.cut)
    if data.rules.repeat_purchases:
        known = known.where(np.zeros(len(known), dtype=bool))
    excluded = pairs(known.users, known.products, shape)
    liked = happened.where(
        (happened.labels >= data.rules.relevant) & data.listed[happened.products]
    )
    had = np.isin(
        _keys(liked.users, liked.products, shape), _keys(known.users, known.products, shape)
    )
    liked = liked.where(~had)
    users = np.unique(liked.users)
    if len(users) > MAX_EVALUATED_USERS:
        chosen = np.random.default_rng(seed).choice(users, MAX_EVALUATED_USERS, replace=False)
        users = np.sort(chosen)
    rated = happened.one_per_pair(highest=data.label_kind != "rating")
    return Holdout(
        users=users,
        relevant=pairs(liked.users, liked.products, shape),
        excluded=excluded,
        candidates=data.listed,
        rated_users=rated.users,
        rated_products=rated.products,
        ratings=rated.labels,
    )


def _keys(users: IntArray, products: IntArray, shape: tuple[int, int]) -> IntArray:
    return users * shape[1] + products
