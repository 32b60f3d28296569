"""One experiment: every kind of model fitted at each cut, compared, and fitted once more to serve.

The cuts are those of `training.split`; its docstring says which window serves what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recomart.step import Progress, no_progress
from training.champion import rank_kinds
from training.evaluate import Holdout, K, Scores, evaluate_lists
from training.examples import prepare_examples
from training.feature_tables import FeatureTables, model_features
from training.fitting import fit_at_cuts, fit_on_base, known_before
from training.history import Ask, feature_tables
from training.interactions import FloatArray
from training.kinds.svd import EPOCHS
from training.labels import ShopData
from training.metrics import rmse
from training.model import Model
from training.requests import ListRequest
from training.split import Split, Window, holdout, split_by_time
from training.training_set import combined_hash, labels_hash

if TYPE_CHECKING:
    from feast import FeatureStore

RATING_KIND = "svd"
"""The kind whose errors in ratings are drawn. It is always trained."""

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
    models: dict[str, Model]
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
    fits = fit_at_cuts(
        data,
        [(cut, stops.get(cut, ())) for cut in cuts],
        seed=seed,
        processes=threads,
        progress=progress,
    )
    base = [fit.models for fit in fits]
    curve = None
    if split.validation:
        at = cuts.index(split.validation.cut)
        models = (*fits[at].stages[RATING_KIND], base[at][RATING_KIND])
        curve = _curve(data, split.validation, models)
    del fits  # the stages take as much memory again as the models
    store, examples = None, None
    if split.training:
        progress("features", 0, 0)
        store = open_store()
        names = model_features(snapshot)
        examples = prepare_examples(data, store, names, windows, holdouts, base[:-1], seed=seed)
    else:
        log.warning("the shop has too few days of labels for a ranker: it is not trained")

    def fit_all(at: int) -> dict[str, Model]:
        """All kinds at a cut; those that build on others learn from the windows before it."""
        earlier = examples.first(at) if examples else None
        return fit_on_base(data, cuts[at], base[at], earlier, seed=seed)

    judged = list(range(len(split.training), len(windows)))
    tables: dict[int, FeatureTables] = {}
    if store is not None:
        progress("features", 0, 0)
        asks = [Ask(windows[at].cut, holdouts[at].users) for at in judged]
        tables = dict(zip(judged, feature_tables(store, data, snapshot, asks), strict=True))
    figures = [
        _compare(fit_all(at), tables.get(at), holdouts[at], threads, progress) for at in judged
    ]
    if not judged:
        log.warning("all labels are of one day: models are fitted, but cannot be compared")
    validation, test = [*figures, {}, {}][:2]
    return Experiment(
        split=split,
        validation=validation,
        test=test,
        ranking=rank_kinds({kind: scores.ndcg_at_10 for kind, scores in validation.items()}),
        models=fit_all(len(windows)),
        curve=curve,
        rated=_rated(base[-2], holdouts[-1]) if windows else np.empty((0, 2)),
        training_hash=combined_hash(labels_hash(data), examples.hash if examples else ""),
        candidates=0 if examples is None else len(examples.features),
    )


def _compare(
    models: Mapping[str, Model],
    tables: FeatureTables | None,
    held_out: Holdout,
    threads: int,
    progress: Progress,
) -> dict[str, Scores]:
    """Metrics of every kind on one window."""
    request = ListRequest(
        held_out.users, K, held_out.excluded, held_out.candidates, tables, threads
    )
    found = {}
    for kind, model in models.items():
        progress(f"evaluate {kind}", 0, 0)
        predicted = model.ratings(held_out.rated_users, held_out.rated_products)
        found[kind] = evaluate_lists(model.lists(request), held_out, predicted)
    return found


def _curve(data: ShopData, validation: Window, models: Sequence[Model]) -> LearningCurve:
    """Errors after CURVE_EPOCHS and after all, fitted on what was before the validation cut.

    Surprise gives no model between epochs; but a fit of n epochs is the beginning of a longer one,
    so a few short fits draw the same curve.

    Args:
        models: after each of CURVE_EPOCHS, and after all.
    """
    highest = data.label_kind != "rating"
    known = known_before(data, validation.cut)
    later = data.labels.between(validation.cut, validation.end).one_per_pair(highest=highest)
    on_known, held_out = (
        tuple(rmse(model.ratings(rows.users, rows.products), rows.labels) for model in models)
        for rows in (known, later)
    )
    return LearningCurve((*CURVE_EPOCHS, EPOCHS), on_known, held_out)


def _rated(base: Mapping[str, Model], held_out: Holdout) -> FloatArray:
    predicted = base[RATING_KIND].ratings(held_out.rated_users, held_out.rated_products)
    return np.column_stack([held_out.ratings, predicted])
