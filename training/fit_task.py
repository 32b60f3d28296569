"""What a kind of model is asked: to fit, on what was known at a cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from training.examples import Examples
from training.interactions import Interactions
from training.model import Model


@dataclass(frozen=True)
class FitTask:
    """A fit as of a cut. It can be pickled, to be done in another process.

    Args:
        known: the labels before the cut, one per user and product.
        cut: what happened from then on is unknown.
        users, products: how many there are.
        scale: lowest and highest rating.
        relevant: the label from which on a user liked a product.
        seed: of everything that is random.
        stops: after how many passes the model is wanted too, below the full number.
        base: models of this cut by kind, for a kind that builds on others.
        examples: labelled candidates of earlier windows with their features, for such a kind;
            None where the shop has too few days.
    """

    known: Interactions
    cut: np.datetime64
    users: int
    products: int
    scale: tuple[float, float]
    relevant: float
    seed: int
    stops: tuple[int, ...] = ()
    base: Mapping[str, Model] = field(default_factory=dict)
    examples: Examples | None = None
