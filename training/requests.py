"""What a fitted model is asked: to list products for many users, or for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.sparse import csr_array

from training.feature_tables import FeatureTables
from training.interactions import BoolArray, IntArray

if TYPE_CHECKING:
    import pandas as pd


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
