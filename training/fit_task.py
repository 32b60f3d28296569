"""What a kind of model is asked: to fit, on what was known at a cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from training.behaviour import Events
from training.interactions import IntArray, Interactions
from training.model import Model
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
