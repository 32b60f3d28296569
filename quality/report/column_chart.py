"""The small histogram of a column, now and at the last run."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from quality.report.charts import NOW, THEN, drawable, figure_of, png
from quality.report.histograms import Histogram
from quality.report.profiles import ColumnProfile

SHOWN_LABELS, LABEL = 5, 9
"""Labels of a category that are shown, and characters of each."""


def column_chart(
    now: ColumnProfile, then: ColumnProfile | None, width: float, height: float
) -> io.BytesIO | None:
    """The histogram as filled bars, and that of the last run as an outline.

    Args:
        width, height: millimetres.

    Returns:
        A PNG; None for a column without a histogram.
    """
    histogram, before = now.histogram, then.histogram if then else None
    if histogram is None:
        return None
    figure, axes = figure_of(width, height, left=1, right=1, bottom=3, top=0.4)
    if histogram.edges:
        _draw_bins(axes, histogram, before)
        _label_ends(axes, histogram, before, now.kind)
    else:
        _draw_labels(axes, histogram, before)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return png(figure)


def _draw_bins(axes: Any, now: Histogram, then: Histogram | None) -> None:
    axes.stairs(_density(now), now.edges, fill=True, color=NOW)
    if then and then.edges:
        axes.stairs(_density(then), then.edges, color=THEN, linewidth=0.7)


def _density(histogram: Histogram) -> list[float]:
    width = histogram.edges[1] - histogram.edges[0]
    return [share / width for share in histogram.shares()]


def _label_ends(axes: Any, now: Histogram, then: Histogram | None, kind: str) -> None:
    edges = (*now.edges, *(then.edges if then else ()))
    low, high = min(edges), max(edges)
    axes.set_xlim(low, high)
    if now.is_scale:
        half = (now.edges[1] - now.edges[0]) / 2
        steps = [now.edges[0] + half, now.edges[-1] - half]
        axes.set_xticks(steps, [shown(step, kind) for step in steps], fontsize=5.5)
        axes.tick_params(axis="x", length=1.5, pad=1, width=0.4)
        return
    if shown(low, kind) == shown(high, kind):
        axes.set_xticks([(low + high) / 2], [shown(low, kind)], fontsize=5.5)
        axes.tick_params(axis="x", length=0, pad=1)
        return
    axes.set_xticks([low, high], [shown(low, kind), shown(high, kind)], fontsize=5.5)
    axes.tick_params(axis="x", length=1.5, pad=1, width=0.4)
    first, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _draw_labels(axes: Any, now: Histogram, then: Histogram | None) -> None:
    shares = dict(zip(now.labels, now.shares(), strict=True))
    before = dict(zip(then.labels, then.shares(), strict=True)) if then else {}
    most = sorted(shares, key=lambda label: -max(shares[label], before.get(label, 0.0)))
    chosen = most[:SHOWN_LABELS]
    places = list(range(len(chosen)))
    axes.bar(places, [shares[label] for label in chosen], color=NOW, width=0.8)
    if then:
        outline = [before.get(label, 0.0) for label in chosen]
        axes.bar(places, outline, fill=False, edgecolor=THEN, linewidth=0.7, width=0.8)
    names = [
        label if len(label) <= LABEL else f"{label[: LABEL - 1]}…"
        for label in map(drawable, chosen)
    ]
    # parse_math: a value may hold dollar signs that are not a formula
    axes.set_xticks(places, names, fontsize=4.6, parse_math=False)
    axes.set_xlim(-0.6, max(SHOWN_LABELS - 1, 1) + 0.6)
    axes.tick_params(axis="x", length=0, pad=1)


def shown(value: float | None, kind: str) -> str:
    """A value of a column: a number with few digits, or a date."""
    if value is None:
        return "–"
    if kind == "time":
        try:
            return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value):%Y-%m-%d}"
        except OverflowError:
            return f"{value:.3g} s"
    if kind == "year":
        return f"{value:.15g}"
    if abs(value) >= 1e9:
        return f"{value:.3g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")
