"""Drawing helpers of the report's charts: figures measured in millimetres, as PNG."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

from quality.report.quoting import MISSING_GLYPH

DPI, MILLIMETRES = 200, 25.4
NOW, THEN = "#8fb8de", "#20262e"
"""Colours of this run's values, and of the last run's."""


def figure_of(
    width: float, height: float, *, left: float, right: float, bottom: float, top: float
) -> tuple[Any, Any]:
    """A figure with one pair of axes; all measures in millimetres."""
    figure = empty_figure(width, height)
    axes = figure.add_axes(
        (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - bottom - top) / height,
        )
    )
    plain_spines(axes)
    return figure, axes


def empty_figure(width: float, height: float) -> Any:
    """A figure without axes; measures in millimetres."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / MILLIMETRES, height / MILLIMETRES))


def plain_spines(axes: Any) -> None:
    """Leave only the left and the lower line of the frame, both thin."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


def drawable(text: str) -> str:
    """The text with a box for every character that the charts' font lacks."""
    return "".join(c if ord(c) in _glyphs() else MISSING_GLYPH for c in text)


def png(figure: Any) -> io.BytesIO:
    """The figure as a PNG; equal figures give equal bytes."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    picture.seek(0)
    return picture


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
