"""One experiment: every kind of model fitted at each cut, compared, and fitted once more to serve.

The cuts are those of `training.split`; its docstring says which window serves what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recomart.step import Progress, no_progress
from training.artifact import Fitted
from training.champion import rank_kinds
from training.evaluate import Holdout, Scores, evaluate
from training.feature_tables import FeatureTables, model_features
from training.history import Ask, feature_tables
from training.interactions import FloatArray
from training.kinds.base import BaseModels, fit_bases, known_before
from training.kinds.ranker import Ranker
from training.kinds.svd import EPOCHS, SVD
from training.labels import ShopData
from training.metrics import rmse
from training.ranker_training import prepare_training
from training.split import Split, Window, holdout, split_by_time
from training.training_set import combined_hash, labels_hash

if TYPE_CHECKING:
    from feast import FeatureStore

CURVE_EPOCHS = (1, 2, 5, 10)
"""How many epochs SVD is stopped after for its learning curve; EPOCHS are the curve's last point."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearningCurve:
    """SVD's errors after some epochs, on what it learned from and on the validation window."""

    epochs: tuple[int, ...]
    known: tuple[float, ...]
    held_out: tuple[float, ...]


@dataclass(frozen=True)
class Experiment:
    """What came out.

    Args:
        split: the windows.
        validation, test: metrics by kind; empty where there is no such window.
        ranking: kinds from best to worst; the first is champion.
        models: by kind, fitted on everything, for serving.
        curve: of SVD before the validation cut; None without validation window.
        rated: (n, 2) actual and SVD's predicted ratings of the last window.
        training_hash: of the rows that were learned from.
        candidates: rows that the ranker learned from in the end.
    """

    split: Split
    validation: dict[str, Scores]
    test: dict[str, Scores]
    ranking: tuple[str, ...]
    models: dict[str, Fitted]
    curve: LearningCurve | None
    rated: FloatArray
    training_hash: str
    candidates: int


def run_experiment(
    data: ShopData,
    snapshot: Path,
    open_store: Callable[[], FeatureStore],
    *,
    seed: int,
    threads: int = 1,
    progress: Progress = no_progress,
) -> Experiment:
    """Fit, compare and refit. Deterministic for the snapshot and the seed.

    Args:
        threads: how many cores may be used; what is learned does not depend on it.
    """
    split = split_by_time(data.labels.times, data.rules.as_of)
    windows = split.windows
    end = data.rules.as_of + np.timedelta64(1, "us")
    holdouts = [holdout(data, window, seed=seed) for window in windows]
    for window, held_out in zip(windows, holdouts, strict=True):
        log.info(
            "window %s: %d users, %d ratings", window, len(held_out.users), len(held_out.ratings)
        )
    cuts = [*(window.cut for window in windows), end]
    stops = {split.validation.cut: CURVE_EPOCHS} if split.validation else {}
    fits = fit_bases(
        data,
        [(cut, stops.get(cut, ())) for cut in cuts],
        seed=seed,
        processes=threads,
        progress=progress,
    )
    base = [models for models, _ in fits]
    curve = None
    if split.validation:
        at = cuts.index(split.validation.cut)
        curve = _curve(data, split.validation, fits[at][1], base[at].svd)
    del fits  # SVD as it was on the way takes as much memory again
    store, training = None, None
    if split.training:
        progress("features", 0, 0)
        store = open_store()
        names = model_features(snapshot)
        training = prepare_training(data, store, names, windows, holdouts, base, seed=seed)
    else:
        log.warning("the shop has too few days of labels for a ranker: it is not trained")
    judged = list(range(len(split.training), len(windows)))
    tables: dict[int, FeatureTables] = {}
    if store is not None:
        progress("features", 0, 0)
        asks = [Ask(windows[at].cut, holdouts[at].users) for at in judged]
        tables = dict(zip(judged, feature_tables(store, data, snapshot, asks), strict=True))
    figures: list[dict[str, Scores]] = []
    for at in judged:
        models = _models(base[at], training.fit(at, base[at]) if training else None)
        figures.append(_compare(models, tables.get(at), holdouts[at], threads, progress))
    if not judged:
        log.warning("all labels are of one day: models are fitted, but cannot be compared")
    validation, test = [*figures, {}, {}][:2]
    ranking = rank_kinds({kind: scores.ndcg_at_10 for kind, scores in validation.items()})
    final = _models(base[-1], training.fit(len(windows), base[-1]) if training else None)
    return Experiment(
        split=split,
        validation=validation,
        test=test,
        ranking=ranking,
        models=final,
        curve=curve,
        rated=_rated(base[-2], holdouts[-1]) if windows else np.empty((0, 2)),
        training_hash=combined_hash(labels_hash(data), training.hash if training else ""),
        candidates=0 if training is None else len(training.rows),
    )


def _models(base: BaseModels, ranker: Ranker | None) -> dict[str, Fitted]:
    models: dict[str, Fitted] = {
        "popularity": base.popularity,
        "bias": base.bias,
        "svd": base.svd,
    }
    return models if ranker is None else {**models, "ranker": ranker}


def _compare(
    models: dict[str, Fitted],
    tables: FeatureTables | None,
    held_out: Holdout,
    threads: int,
    progress: Progress,
) -> dict[str, Scores]:
    """Metrics of every kind on one window."""
    found = {}
    for kind, model in models.items():
        progress(f"evaluate {kind}", 0, 0)
        if isinstance(model, Ranker):
            assert tables is not None
            scorer = model.at(tables)
        else:
            scorer = model.scores
        predicted = model.ratings(held_out.rated_users, held_out.rated_products)
        found[kind] = evaluate(scorer, held_out, predicted, threads=threads)
    return found


def _curve(data: ShopData, validation: Window, early: list[SVD], last: SVD) -> LearningCurve:
    """Errors of SVD after CURVE_EPOCHS and after all, fitted on what was before the validation cut.

    Surprise gives no model between epochs; but a fit of n epochs is the beginning of a longer one,
    so a few short fits draw the same curve.
    """
    highest = data.label_kind != "rating"
    known = known_before(data, validation.cut)
    later = data.labels.between(validation.cut, validation.end).one_per_pair(highest=highest)
    on_known, held_out = (
        tuple(
            rmse(model.ratings(rows.users, rows.products), rows.labels) for model in (*early, last)
        )
        for rows in (known, later)
    )
    return LearningCurve((*CURVE_EPOCHS, EPOCHS), on_known, held_out)


def _rated(base: BaseModels, held_out: Holdout) -> FloatArray:
    predicted = base.svd.ratings(held_out.rated_users, held_out.rated_products)
    return np.column_stack([held_out.ratings, predicted])
