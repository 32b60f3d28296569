"""What all plots share: title, reading, note, and colours that also differ in grey."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from quality.plain_text import one_line

DARK, MIDDLE, LIGHT, WARM = "#0b3c5d", "#4f8fc0", "#b9d3e8", "#d55e00"
INK, FAINT = "#20262e", "#5f6670"
WIDTH, DPI = 8.0, 130
LETTERS_A_LINE, LETTERS_A_NOTE = 120, 150


@dataclass(frozen=True)
class Plot:
    """A plot whose data was read, before it is painted.

    Args:
        name: of its file, without the ending.
        reading: one sentence computed from the data.
        note: what a row is, where it comes from, and what was left out.
        rows: how many rows it was computed from.
        of: how many rows the table has; more than `rows` for a sample.
        paint: adds the axes to the figure.
        height: of the figure, in inches.
    """

    name: str
    title: str
    reading: str
    note: str
    rows: int
    of: int
    paint: Callable[[Figure], None]
    height: float = 4.8

    @property
    def sampled(self) -> bool:
        return self.rows < self.of


@dataclass(frozen=True)
class NotDrawn:
    """A plot that the shop has no data for."""

    name: str
    title: str
    reason: str


def png(plot: Plot, shop: str) -> bytes:
    """The plot as a PNG; equal data give equal bytes."""
    figure = Figure(figsize=(WIDTH, plot.height), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    reading = textwrap.fill(plot.reading, LETTERS_A_LINE)
    note = textwrap.fill(_whole_note(plot, shop), LETTERS_A_NOTE)
    inch = 1 / plot.height
    top = 1 - (0.42 + 0.17 * (reading.count("\n") + 1)) * inch
    bottom = (0.12 + 0.14 * (note.count("\n") + 1)) * inch
    figure.set_layout_engine("constrained", rect=(0.01, bottom, 0.98, top - bottom))
    figure.text(0.02, 1 - 0.12 * inch, plot.title, va="top", size=12, weight="bold", color=INK)
    figure.text(0.02, 1 - 0.37 * inch, reading, va="top", size=9, color=INK)
    figure.text(0.02, 0.08 * inch, note, va="bottom", size=7, color=FAINT)
    plot.paint(figure)
    for axes in figure.axes:
        axes.tick_params(labelsize=8, colors=INK)
        axes.xaxis.label.set_fontsize(9)
        axes.yaxis.label.set_fontsize(9)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    for text in figure.findobj(Text):
        if "mathdefault" not in text.get_text():
            text.set_parse_math(False)
    buffer = io.BytesIO()
    # savefig would draw everything twice, the first time only to lay it out
    canvas.print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def label(text: object, width: int = 26) -> str:
    """A text from data as a label; a character that the font lacks becomes an escape."""
    return "".join(
        c if ord(c) in _drawable() else f"\\u{ord(c):04x}" for c in one_line(text, width)
    )


def percent(share: float) -> str:
    """A share in words of a sentence: whole percents, one place below 10, more below 0.1."""
    value = 100 * share
    if value == 0 or value >= 9.95:
        return f"{value:.0f}%"
    return f"{value:.1f}%" if value >= 0.095 else f"{value:.2g}%"


def of_all(n: int, one: str, many: str) -> str:
    """A number with its noun: `1 user`, `2 users`."""
    return f"{n:,} {one if n == 1 else many}"


def _whole_note(plot: Plot, shop: str) -> str:
    rows = f"{plot.rows:,} rows"
    if plot.sampled:
        rows = (
            f"SAMPLE of {plot.rows:,} of {plot.of:,} rows"
            " (all rows of a key or none, chosen by the key's hash: the same every time)"
        )
    return f"{label(shop, 60)}. {rows}. {plot.note}."


@cache
def _drawable() -> frozenset[int]:
    return frozenset(FT2Font(findfont(FontProperties())).get_charmap())
