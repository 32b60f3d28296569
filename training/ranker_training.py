"""The ranker's training set with features, and fits on its first windows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate import Holdout
from training.history import features_of_rows
from training.interactions import FloatArray
from training.kinds.base import BaseModels
from training.kinds.ranker import BASE_FEATURES, Ranker, base_features, fit_ranker
from training.labels import ShopData
from training.split import Window
from training.training_set import Candidates, entity_rows, frame_hash, sample_candidates

if TYPE_CHECKING:
    from feast import FeatureStore

MIN_LISTS = 10
"""Fewer lists than that teach trees nothing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RankerTraining:
    """Candidates of all windows with what the trees see of them.

    Args:
        candidates: in the order of the windows.
        features: names of the columns of `rows`.
        rows: (n, features), as of each window's cut.
        hash: of the rows as Feast gave them.
    """

    candidates: Candidates
    features: tuple[str, ...]
    rows: FloatArray
    hash: str
    seed: int

    def fit(self, below: int, base: BaseModels) -> Ranker | None:
        """A ranker of the first `below` windows, to be used over `base`; None with too few lists."""
        rows = self.candidates.of_windows(below)
        groups = self.candidates.groups_of(rows)
        if len(groups) < MIN_LISTS:
            log.warning("only %d lists of candidates: no ranker is trained on them", len(groups))
            return None
        text = fit_ranker(
            self.rows[rows],
            self.candidates.relevant[rows],
            groups,
            self.features,
            seed=self.seed,
        )
        return Ranker(text, self.features, base.svd, base.popularity)


def prepare_training(
    data: ShopData,
    store: FeatureStore,
    names: Sequence[str],
    windows: Sequence[Window],
    holdouts: Sequence[Holdout],
    base: Sequence[BaseModels],
    *,
    seed: int,
) -> RankerTraining:
    """Sample candidates of each window and fetch their features as of its cut.

    Args:
        names: the features to take (`model_features`).
        base: the base models of each window's cut, which have not seen the window.
    """
    candidates = sample_candidates(holdouts, seed=seed)
    frame = features_of_rows(
        store, entity_rows(data, candidates, [window.cut for window in windows])
    )
    scores = np.empty((len(frame), len(BASE_FEATURES)))
    for number in range(len(windows)):
        here = candidates.window == number
        scores[here] = base_features(
            base[number].svd,
            base[number].popularity,
            candidates.users[here],
            candidates.products[here],
        )
    stored = frame[list(names)].to_numpy(dtype=np.float64, na_value=np.nan)
    return RankerTraining(
        candidates=candidates,
        features=(*BASE_FEATURES, *names),
        rows=np.hstack([scores, stored]),
        hash=frame_hash(frame),
        seed=seed,
    )
