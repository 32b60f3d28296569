"""Random: a quarter of each product's labels is held out. For comparison with published figures only.

A model learns from the future here: who rated a film in May helps to foretell who did in April. So
figures are far higher than a shop will see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.holdout import holdout_of
from training.interactions import BoolArray, Interactions
from training.labels import ShopData
from training.protocols import Case, Cases


@dataclass(frozen=True)
class RandomProtocol:
    """75/25 by product, as Microsoft's recommenders split MovieLens for their comparison.

    Args:
        held_out: the share of each product's labels that is held out for the test.
        folds: in how many parts the rest is divided: each is held out once for the combiners.
    """

    held_out: float = 0.25
    folds: int = 5
    name: str = "random"
    words: str = "a quarter of each product's labels at random; for comparison only"

    def cases(self, data: ShopData, *, seed: int) -> Cases:
        """As in `Protocol`. The first fold is the validation case."""
        random = np.random.default_rng(seed)
        test = _by_product(data.labels, self.held_out, random)
        fold = random.integers(0, self.folds, len(data.labels))
        cases = [
            self._case(
                data, f"fold {number + 1}", ~test & (fold != number), ~test & (fold == number)
            )
            for number in range(self.folds)
        ]
        return Cases(tuple(cases[1:]), cases[0], self._case(data, "test", ~test, test), as_of=False)

    def _case(self, data: ShopData, name: str, kept: BoolArray, asked: BoolArray) -> Case:
        known, happened = data.labels.where(kept), data.labels.where(asked)
        width = len(data.products)
        pairs = np.unique(happened.users * width + happened.products)
        events = data.events.where(
            ~np.isin(data.events.users * width + data.events.products, pairs)
        )
        now = data.rules.as_of + np.timedelta64(1, "us")
        every = len(data.users)
        held_out = holdout_of(data, happened, known, events, known_users=False, seed=0, most=every)
        return Case(name, known, events, now, held_out)


def _by_product(labels: Interactions, share: float, random: np.random.Generator) -> BoolArray:
    """(n,) a share of the labels of each product, drawn at random."""
    drawn = random.random(len(labels))
    order = np.lexsort((drawn, labels.products))
    of = labels.products[order]
    place = np.arange(len(of)) - np.searchsorted(of, of)
    count = np.bincount(of)[of]
    held = np.zeros(len(labels), dtype=bool)
    held[order[place < np.round(share * count)]] = True
    return held


PROTOCOL = RandomProtocol()
