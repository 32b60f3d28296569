"""What a kind that ranks candidates learns from: labelled lists of earlier windows, with features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate import Holdout
from training.history import features_of_rows
from training.interactions import FloatArray
from training.labels import ShopData
from training.model import Model
from training.split import Window
from training.training_set import Candidates, entity_rows, frame_hash, sample_candidates

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass(frozen=True)
class Examples:
    """Candidates of windows, the earliest first, and what was known of them at each window's cut.

    Args:
        candidates: in the order of the windows.
        names: the features.
        features: (n, names) of the candidates, as of their window's cut.
        base: for each window the models fitted at its cut, by kind; they have not seen the window.
        hash: of all rows as Feast gave them, those of later windows included.
    """

    candidates: Candidates
    names: tuple[str, ...]
    features: FloatArray
    base: tuple[Mapping[str, Model], ...]
    hash: str

    def first(self, windows: int) -> Examples:
        """The examples of the first `windows` windows: those that end before the next one's cut."""
        rows = self.candidates.of_windows(windows)
        return Examples(
            candidates=self.candidates.first(windows),
            names=self.names,
            features=self.features[rows],
            base=self.base[:windows],
            hash=self.hash,
        )


def prepare_examples(
    data: ShopData,
    store: FeatureStore,
    names: Sequence[str],
    windows: Sequence[Window],
    holdouts: Sequence[Holdout],
    base: Sequence[Mapping[str, Model]],
    *,
    seed: int,
) -> Examples:
    """Sample candidates of each window and fetch their features as of its cut.

    Args:
        names: the features to take (`model_features`).
        base: the models of each window's cut by kind, which have not seen the window.
    """
    candidates = sample_candidates(holdouts, seed=seed)
    frame = features_of_rows(
        store, entity_rows(data, candidates, [window.cut for window in windows])
    )
    return Examples(
        candidates=candidates,
        names=tuple(names),
        features=frame[list(names)].to_numpy(dtype=np.float64, na_value=np.nan),
        base=tuple(base),
        hash=frame_hash(frame),
    )
