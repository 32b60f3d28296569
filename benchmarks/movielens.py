"""MovieLens 100K for the benchmarks: through the published labels where they are, else the file."""

from __future__ import annotations

import numpy as np

from recomart.settings import Settings
from training.interactions import Index, Interactions

SCALE = (1.0, 5.0)


def interactions(settings: Settings) -> tuple[Interactions, int, int, str]:
    """Its 100,000 ratings, the counts of users and products, and where they were read."""
    if settings.shop_name == "movielens_100k" and settings.current_features.exists():
        from feature_store.snapshots import current_snapshot
        from training.labels import load_shop_data

        data = load_shop_data(current_snapshot(settings).folder)
        return data.labels, len(data.users), len(data.products), "the lake's lbl_interactions"
    path = settings.data / "ml-100k" / "u.data"
    rows = np.loadtxt(path, dtype=np.int64, delimiter="\t")
    users, products = Index(map(str, rows[:, 0])), Index(map(str, rows[:, 1]))
    ratings = Interactions(
        users.positions(map(str, rows[:, 0])),
        products.positions(map(str, rows[:, 1])),
        rows[:, 2].astype(float),
        rows[:, 3].astype("datetime64[s]").astype("datetime64[us]"),
    )
    return ratings, len(users), len(products), "ml-100k/u.data"
