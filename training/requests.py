"""What the kinds of model are asked: to fit, to list products for many users, or for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from training.feature_tables import FeatureTables
from training.interactions import BoolArray, IntArray, Interactions

if TYPE_CHECKING:
    import pandas as pd

    from training.examples import Examples
    from training.kinds import Model


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


@dataclass(frozen=True)
class ListRequest:
    """Lists of k products for many users.

    Args:
        users: (n,) positions.
        excluded: (all users, products) 1 where a user must not get a product.
        candidates: (products,) which may be recommended.
        features: as of the time that is asked about; None when there are none.
        threads: how many may work at once.
    """

    users: IntArray
    k: int
    excluded: csr_array
    candidates: BoolArray
    features: FeatureTables | None = None
    threads: int = 1


@dataclass(frozen=True)
class UserRequest:
    """A list of k products for one user, now.

    Args:
        user: position; UNKNOWN for one without labels.
        candidates: (products,) which may be recommended.
        features: gives the features of the user with n products, by their positions, as they are
            online now: n rows by the names of the feature service.
    """

    user: int
    k: int
    candidates: BoolArray
    features: Callable[[IntArray], pd.DataFrame]
