"""The charts of a report, as PNG of 200 dots an inch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from quality.report.content import Histogram, Matrix, MovedColumn, SourceAccount

DPI, MILLIMETRES = 200, 25.4
LACKING = "\N{WHITE SQUARE}"
OUTCOMES = (
    ("rejected", "not readable", "#4d4d4d"),
    ("quarantined", "in quarantine", "#d55e00"),
    ("deduplicated", "repeats", "#56b4e9"),
    ("superseded", "old versions", "#0072b2"),
    ("unjudged", "not judged", "#c4c4c4"),
)
NOW, THEN = "#8fb8de", "#20262e"
SHOWN_LABELS, LABEL = 5, 9


def account_chart(sources: Sequence[SourceAccount]) -> tuple[io.BytesIO, float] | None:
    """What is not used of each source, in percent; None when everything is used.

    Returns:
        The picture, 180 mm wide, and its height in millimetres.
    """
    parts = {key: [getattr(s, key) for s in sources] for key, _, _ in OUTCOMES}
    if not any(sum(values) for values in parts.values()):
        return None
    height = 17 + 6.5 * len(sources)
    figure, axes = _figure(180, height, left=34, right=30, bottom=9, top=6)
    received = [max(s.records + s.rejected, 1) for s in sources]
    places = range(len(sources))
    left = [0.0] * len(sources)
    for key, name, colour in OUTCOMES:
        shares = [100 * n / of for n, of in zip(parts[key], received, strict=True)]
        if any(shares):
            axes.barh(places, shares, left=left, color=colour, label=name, height=0.62)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    most = max(left)
    for place, source in enumerate(sources):
        lost = sum(parts[key][place] for key, _, _ in OUTCOMES)
        axes.text(
            left[place] + most * 0.012,
            place,
            f"{lost:,} of {source.records + source.rejected:,}",
            va="center",
            fontsize=6.5,
        )
    axes.set_xlim(0, most * 1.02)
    axes.set_yticks(list(places), [f"{s.entity} ({s.source})" for s in sources], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("share of what was received, %", fontsize=7)
    axes.tick_params(axis="x", labelsize=6.5)
    figure.legend(loc="upper center", ncols=5, fontsize=6.5, frameon=False, borderaxespad=0.2)
    return _png(figure), height


def activity_chart(matrix: Matrix) -> tuple[io.BytesIO, float]:
    """How many users and products have how many interactions."""
    from matplotlib.figure import Figure

    height = 42.0
    figure = Figure(figsize=(180 / MILLIMETRES, height / MILLIMETRES))
    for place, activity in enumerate(matrix.activity):
        axes = figure.add_axes((0.03 + 0.51 * place, 0.26, 0.45, 0.58))
        names = [name for name, _ in activity.buckets]
        counts = [count for _, count in activity.buckets]
        colours = ["#d55e00", "#e8a87c", NOW, NOW, NOW]
        bars = axes.bar(names, counts, color=colours[: len(names)], width=0.7)
        axes.bar_label(bars, [f"{count:,}" for count in counts], fontsize=6, padding=1)
        axes.set_ylim(0, max(*counts, 1) * 1.18)
        axes.set_title(f"{activity.total:,} {activity.of}", fontsize=8, loc="left")
        axes.set_xlabel(f"interactions per {activity.of.rstrip('s')}", fontsize=7)
        axes.set_ylabel(activity.of, fontsize=7)
        axes.tick_params(labelsize=6.5)
        axes.set_yticks([])  # the bars carry their counts
        _bare(axes)
    return _png(figure), height


def column_chart(moved: MovedColumn, width: float, height: float) -> io.BytesIO | None:
    """A small histogram: now as filled bars, then as outline; None for a column without one."""
    now, then = moved.now.histogram, moved.then.histogram if moved.then else None
    if now is None:
        return None
    figure, axes = _figure(width, height, left=1, right=1, bottom=3, top=0.4)
    if now.edges:
        _draw_bins(axes, now, then)
        _label_ends(axes, now, then, moved.now.kind)
    else:
        _draw_labels(axes, now, then)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return _png(figure)


def _drawable(text: str) -> str:
    """The text with a box for every character that the charts' font lacks."""
    return "".join(c if ord(c) in _glyphs() else LACKING for c in text)


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


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
        for label in map(_drawable, chosen)
    ]
    # parse_math: a value may hold dollar signs, which are no formula
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


def _figure(
    width: float, height: float, *, left: float, right: float, bottom: float, top: float
) -> tuple[Any, Any]:
    """A figure with one pair of axes; all measures in millimetres."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / MILLIMETRES, height / MILLIMETRES))
    axes = figure.add_axes(
        (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - bottom - top) / height,
        )
    )
    _bare(axes)
    return figure, axes


def _bare(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


def _png(figure: Any) -> io.BytesIO:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    picture.seek(0)
    return picture
