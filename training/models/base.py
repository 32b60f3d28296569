"""The models that learn from labels alone, fitted together on what was known at a cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recomart.step import Progress, no_progress
from training.labels import ShopData
from training.models.bias import Bias, fit_bias
from training.models.popularity import Popularity, fit_popularity
from training.models.svd import SVD, fit_svd


@dataclass(frozen=True)
class BaseModels:
    """Popularity, bias and SVD of one time."""

    popularity: Popularity
    bias: Bias
    svd: SVD


def fit_base(
    data: ShopData, cut: np.datetime64, *, seed: int, progress: Progress = no_progress
) -> BaseModels:
    """Fit the three on the labels before `cut`, one per user and product."""
    known = data.labels.before(cut).one_per_pair(highest=data.label_kind != "rating")
    users, products, scale = len(data.users), len(data.products), data.rules.scale
    return BaseModels(
        popularity=fit_popularity(
            known, now=cut, products=products, scale=scale, relevant=data.rules.relevant
        ),
        bias=fit_bias(known, users=users, products=products, scale=scale),
        svd=fit_svd(
            known, users=users, products=products, scale=scale, seed=seed, progress=progress
        ),
    )
