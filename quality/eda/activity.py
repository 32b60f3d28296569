"""How unequally activity is spread over users and over products: the long tail."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from quality.eda.picture import DARK, WARM, NotDrawn, Plot, of_all, percent
from quality.eda.source import Source

POINTS = 600
"""The most ranks that are drawn, evenly spaced on the log axis."""


def half(counts: np.ndarray) -> int:
    """How many of the largest counts add up to at least half of the sum.

    Args:
        counts: (n,) non-negative, largest first.

    Returns:
        0 when the sum is 0.
    """
    total = counts.sum()
    return int(np.searchsorted(np.cumsum(counts), total / 2) + 1) if total else 0


def per_user(source: Source) -> Plot | NotDrawn:
    """Interactions of each user, by rank."""
    return _activity(source, "user", "Activity per user: the long tail", "come from")


def per_product(source: Source) -> Plot | NotDrawn:
    """Interactions of each product, by rank."""
    return _activity(source, "product", "Activity per product: the long tail", "go to")


def _activity(source: Source, entity: str, title: str, verb: str) -> Plot | NotDrawn:
    name, key = f"activity_per_{entity}", f"{entity}_id"
    sample = source.interactions(key)
    if not sample.rows:
        return NotDrawn(name, title, "the shop has no interactions")
    counts = source.columns(
        f"select count(*) as n from {sample.sql} where {key} is not null"
        f" group by {key} order by 1 desc"
    )["n"]
    known = max(source.count(f"marts.dim_{entity}s", sample.condition), len(counts))
    busiest = half(counts)
    idle = known - len(counts)
    tail = f"{of_all(idle, f'{entity} has', f'{entity}s have')} none" if idle else "all have some"
    where = " of the sample" if sample.sampled else ""
    reading = (
        f"Half of all interactions {verb} {percent(busiest / known)} of the {entity}s"
        f" ({busiest:,} of {known:,}{where}); the median active {entity} has"
        f" {np.median(counts):,.0f}, and {tail}."
    )
    places = np.unique(np.geomspace(1, len(counts), POINTS).round().astype(int))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(places, counts[places - 1], color=DARK, linewidth=1.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.9)
        # a line, not a filled area: on log axes an area does not show a share
        axes.axvline(
            busiest,
            color=WARM,
            linestyle="--",
            linewidth=1.2,
            label=f"the first {busiest:,} have half of all interactions",
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel(f"rank of the {entity}, most active first (log axis)")
        axes.set_ylabel(f"interactions of the {entity} (count, log axis)")
        axes.legend(frameon=False, fontsize=8, loc="lower left")

    note = "One row per interaction of any kind except impressions"
    return Plot(name, title, reading, note, sample.rows, sample.of, paint)
