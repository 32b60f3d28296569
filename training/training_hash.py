"""A hash of what models learned from: equal hashes, seeds and code give equal models."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from training.labels import ShopData

if TYPE_CHECKING:
    from training.pools import Pool


def training_hash(data: ShopData, pools: Sequence[Pool]) -> str:
    """sha256 over ids, labels, events, and the features and labels of all candidates."""
    digest = hashlib.sha256()
    for ids in (data.users.ids, data.products.ids):
        digest.update("\x1f".join(map(str, ids)).encode())
    for rows in (data.labels, data.events):
        for name in ("users", "products", "labels", "weights", "times"):
            if (values := getattr(rows, name, None)) is not None:
                digest.update(np.ascontiguousarray(values).tobytes())
    for pool in pools:
        digest.update(",".join(pool.names).encode())
        for values in (pool.row, pool.products, pool.features, pool.relevant):
            if values is not None:
                digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
