"""Pictures of an experiment, as PNG files: how SVD learned, how it errs, and which kind ranks best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.comparison import Measured
from training.experiment import Experiment, LearningCurve
from training.interactions import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, GREY, ORANGE = "#3b6ea8", "#9aa5b1", "#d9822b"


def draw_plots(experiment: Experiment, folder: Path) -> list[Path]:
    """Write what can be drawn of the experiment into `folder`, and return the files."""
    files = []
    if experiment.curve is not None:
        files.append(_draw(folder / "learning_curve.png", _learning_curve, experiment.curve))
    if len(experiment.rated):
        files.append(_draw(folder / "rating_errors.png", _rating_errors, experiment.rated))
        files.append(_draw(folder / "predicted_vs_actual.png", _predicted, experiment.rated))
    if experiment.validation:
        files.append(
            _draw(
                folder / "ndcg_by_kind.png", _ndcg_by_kind, experiment.validation, experiment.test
            )
        )
    return files


def _draw(path: Path, paint: Callable[..., None], *values: Any) -> Path:
    # Figure without pyplot: no global state, and no window system is looked for
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    paint(axes, *values)
    figure.savefig(path, dpi=110)
    return path


def _learning_curve(axes: Axes, curve: LearningCurve) -> None:
    axes.plot(curve.epochs, curve.known, "o-", color=GREY, label="what it learned from")
    axes.plot(curve.epochs, curve.held_out, "o-", color=BLUE, label="validation window")
    axes.set(title="SVD while it learns", xlabel="epochs", ylabel="RMSE", xticks=curve.epochs)
    axes.legend(frameon=False)


def _rating_errors(axes: Axes, rated: FloatArray) -> None:
    errors = rated[:, 1] - rated[:, 0]
    axes.hist(errors, bins=40, color=BLUE)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(
        title=f"SVD's errors on {len(errors):,} held-out labels (mean {errors.mean():+.2f})",
        xlabel="predicted - actual",
        ylabel="labels",
    )


def _predicted(axes: Axes, rated: FloatArray) -> None:
    actual, predicted = rated.T
    low, high = float(rated.min()), float(rated.max())
    levels = np.unique(np.round(actual)) if len(np.unique(actual)) > 10 else np.unique(actual)
    groups = [predicted[np.abs(actual - level) <= 0.5] for level in levels]
    axes.boxplot(groups, positions=levels, widths=0.5, showfliers=False, manage_ticks=False)
    axes.plot([low, high], [low, high], color=ORANGE, linewidth=1, label="a perfect prediction")
    axes.set(title="SVD: predicted against actual", xlabel="actual label", ylabel="predicted")
    axes.legend(frameon=False)


def _ndcg_by_kind(
    axes: Axes, validation: Mapping[str, Measured], test: Mapping[str, Measured]
) -> None:
    kinds = list(validation)
    place = np.arange(len(kinds))
    axes.bar(place - 0.2, [validation[k].scores.ndcg_at_10 for k in kinds], 0.4, color=BLUE)
    if test:
        axes.bar(place + 0.2, [test[k].scores.ndcg_at_10 for k in kinds], 0.4, color=GREY)
    axes.legend(["validation", "test"][: 1 + bool(test)], frameon=False)
    axes.set_xticks(place, kinds, rotation=30, ha="right")
    axes.set(title="nDCG@10 over the whole catalogue", ylabel="nDCG@10")
