"""The models that learn from labels alone, fitted together on what was known at a cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from recomart.step import Progress, no_progress
from training.interactions import Interactions
from training.kinds.bias import Bias, fit_bias
from training.kinds.popularity import Popularity, fit_popularity
from training.kinds.svd import EPOCHS, SVD, fit_svds
from training.labels import ShopData
from training.workers import run_calls

WORTH_A_PROCESS = 10_000_000
"""Steps of SVD's descent (ratings x epochs): some 7 s. A process of its own takes 2 s to begin."""


@dataclass(frozen=True)
class BaseModels:
    """Popularity, bias and SVD of one time."""

    popularity: Popularity
    bias: Bias
    svd: SVD


def fit_base(data: ShopData, cut: np.datetime64, *, seed: int) -> BaseModels:
    """Fit the three on the labels before `cut`, one per user and product."""
    ((base, _),) = fit_bases(data, [(cut, ())], seed=seed)
    return base


def fit_bases(
    data: ShopData,
    cuts: Sequence[tuple[np.datetime64, Sequence[int]]],
    *,
    seed: int,
    processes: int = 1,
    progress: Progress = no_progress,
) -> list[tuple[BaseModels, list[SVD]]]:
    """The three models of each cut, and SVD as it was after some epochs.

    Args:
        cuts: each cut, and the numbers of epochs (below EPOCHS) after which SVD is wanted too.
        processes: how many may work at once, where there is enough to do for them.
        progress: called as ("SVD", epoch, epochs), over the epochs of all fits.
    """
    users, products, scale = len(data.users), len(data.products), data.rules.scale
    known = [known_before(data, cut) for cut, _ in cuts]
    epochs = [(*early, EPOCHS) for _, early in cuts]
    calls = [
        partial(
            fit_svds,
            rows,
            users=users,
            products=products,
            scale=scale,
            seed=seed,
            epochs=numbers,
        )
        for rows, numbers in zip(known, epochs, strict=True)
    ]
    work = [len(rows) * sum(numbers) for rows, numbers in zip(known, epochs, strict=True)]
    longest_first = sorted(range(len(work)), key=lambda at: -work[at])
    in_all = sum(map(sum, epochs))
    begun = 0

    def count(what: str, _epoch: int, _epochs: int) -> None:
        nonlocal begun
        begun += 1
        progress(what, begun, in_all)

    fitted = run_calls(
        [calls[at] for at in longest_first],
        processes=max(1, min(processes, sum(work) // WORTH_A_PROCESS)),
        progress=count,
    )
    svds = dict(zip(longest_first, fitted, strict=True))
    found = []
    for at, (cut, _) in enumerate(cuts):
        popularity = fit_popularity(
            known[at], now=cut, products=products, scale=scale, relevant=data.rules.relevant
        )
        bias = fit_bias(known[at], users=users, products=products, scale=scale)
        *early, svd = svds[at]
        found.append((BaseModels(popularity, bias, svd), early))
    return found


def known_before(data: ShopData, cut: np.datetime64) -> Interactions:
    """What a model of a cut may learn from: the labels before it, one per user and product."""
    return data.labels.before(cut).one_per_pair(highest=data.label_kind != "rating")
