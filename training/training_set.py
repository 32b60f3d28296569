"""What the ranker learns from: lists of candidates after each cut, with features as of the cut.

A list belongs to one user and one window: the products that the user came to like in it, and a
sample of the catalogue that they could have been shown instead. Nothing in a row is younger than
its event_timestamp, the window's cut; the label is what came after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from training.evaluate import Holdout
from training.interactions import BoolArray, IntArray
from training.labels import ShopData

MAX_ROWS = 40_000
MIN_SAMPLED, MAX_SAMPLED = 20, 100
"""Products sampled in addition to the liked ones, per list."""
MAX_LISTS = 2_000


@dataclass(frozen=True)
class Candidates:
    """Rows of candidates, those of one list together.

    Args:
        users, products: positions.
        relevant: (n,) 1 where the user came to like the product.
        window: (n,) which of the windows a row belongs to.
        groups: sizes of the lists, in order.
    """

    users: IntArray
    products: IntArray
    relevant: IntArray
    window: IntArray
    groups: IntArray

    def of_windows(self, below: int) -> BoolArray:
        """(n,) which rows belong to the first `below` windows; they come first."""
        return self.window < below

    def first(self, windows: int) -> Candidates:
        """The candidates of the first `windows` windows: whole lists, from the front."""
        rows = self.of_windows(windows)
        ends = self.groups.cumsum()
        return Candidates(
            users=self.users[rows],
            products=self.products[rows],
            relevant=self.relevant[rows],
            window=self.window[rows],
            groups=self.groups[ends <= int(rows.sum())],
        )


def sample_candidates(holdouts: Sequence[Holdout], *, seed: int) -> Candidates:
    """Lists for the users of each window, sized so that all rows together stay near MAX_ROWS.

    The sample is uniform over the products that the user could be shown: listed, not had before
    the cut, and not among the liked.
    """
    random = np.random.default_rng(seed)
    cap = max(1, MAX_LISTS // max(len(holdouts), 1))
    asked = [
        h.users if len(h.users) <= cap else np.sort(random.choice(h.users, cap, replace=False))
        for h in holdouts
    ]
    lists = max(sum(map(len, asked)), 1)
    sampled = int(np.clip(MAX_ROWS // lists, MIN_SAMPLED, MAX_SAMPLED))
    users, products, relevant, windows, groups = [], [], [], [], []
    for number, (held_out, some) in enumerate(zip(holdouts, asked, strict=True)):
        for user in some:
            liked = _row(held_out.relevant, user)
            free = held_out.candidates.copy()
            free[_row(held_out.excluded, user)] = False
            free[liked] = False
            others = np.flatnonzero(free)
            if len(others) > sampled:
                others = random.choice(others, sampled, replace=False)
            both = np.r_[np.sort(liked), np.sort(others)]
            users.append(np.full(len(both), user))
            products.append(both)
            relevant.append(np.r_[np.ones(len(liked)), np.zeros(len(others))])
            windows.append(np.full(len(both), number))
            groups.append(len(both))
    return Candidates(
        users=_joined(users),
        products=_joined(products),
        relevant=_joined(relevant),
        window=_joined(windows),
        groups=np.asarray(groups, dtype=np.int64),
    )


def entity_rows(
    data: ShopData, candidates: Candidates, cuts: Sequence[np.datetime64]
) -> pd.DataFrame:
    """The candidates as rows to ask Feast for: ids, category, event_timestamp, row_id, label."""
    times = np.asarray(cuts, dtype="datetime64[us]")[candidates.window]
    return pd.DataFrame(
        {
            "row_id": np.arange(len(candidates.users)),
            "user_id": data.users.ids[candidates.users],
            "product_id": data.products.ids[candidates.products],
            "category": data.categories[candidates.products],
            "event_timestamp": times,
            "label": candidates.relevant,
        }
    )


def labels_hash(data: ShopData) -> str:
    """sha256 over the labels that the base models learn from."""
    labels = data.labels
    return frame_hash(
        pd.DataFrame(
            {
                "user_id": data.users.ids[labels.users],
                "product_id": data.products.ids[labels.products],
                "label": labels.labels,
                "event_timestamp": labels.times,
            }
        )
    )


def frame_hash(frame: pd.DataFrame) -> str:
    """sha256 over the column names and the values of a frame, in its order."""
    digest = hashlib.sha256("\x1f".join(map(str, frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def combined_hash(*hashes: str) -> str:
    """One sha256 of several."""
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def _row(matrix: csr_array, row: int) -> IntArray:
    """The columns of a row's entries; slicing a csr_array by rows is a hundred times slower."""
    return matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].astype(np.int64)


def _joined(parts: list[np.ndarray]) -> IntArray:
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, dtype=np.int64)
