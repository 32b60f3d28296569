"""Each category's share of the products and of the interactions."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from quality.eda.activity import half
from quality.eda.picture import DARK, LIGHT, NotDrawn, Plot, label, of_all, percent
from quality.eda.source import Source

SHOWN = 12


def shares(source: Source) -> Plot | NotDrawn:
    """Shares of products and of interactions by category, the largest by products."""
    name, title = "categories", "Categories: shares of products and of interactions"
    sample = source.interactions("user_id")
    found = source.rows(
        "with p as (select category, count(*) as n from marts.dim_products group by 1),"
        f" i as (select d.category, count(*) as n from {sample.sql} as s"
        " join marts.dim_products as d using (product_id) group by 1)"
        " select p.category, p.n, coalesce(i.n, 0) from p"
        " left join i on p.category is not distinct from i.category"
        " order by p.n desc, p.category nulls last"
    )
    named = [row for row in found if row[0] is not None]
    if len(named) < 2:
        reason = "all products are in one category" if named else "no product has a category"
        return NotDrawn(name, title, reason)
    products = sum(row[1] for row in found)
    activity = sum(row[2] for row in found) or 1
    unnamed = [("(no category)", *row[1:]) for row in found if row[0] is None]
    rest = named[SHOWN:]
    bars = [(label(row[0]), row[1], row[2]) for row in named[:SHOWN]] + unnamed
    # one bar for all others would be the longest, and shrink the named ones
    others = (
        f"; not shown are {of_all(len(rest), 'category', 'categories')} with"
        f" {percent(sum(row[1] for row in rest) / products)} of the products and"
        f" {percent(sum(row[2] for row in rest) / activity)} of the interactions"
        if rest
        else ""
    )
    most = max(named, key=lambda row: row[2])
    busiest = half(np.sort([row[2] for row in found])[::-1])
    reading = (
        f"{label(most[0])} has the most interactions of {len(named):,} categories,"
        f" {percent(most[2] / activity)}, with {percent(most[1] / products)} of the products;"
        f" half of all interactions are in {of_all(busiest, 'category', 'categories')}."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for offset, column, whole, colour, words in (
            (-0.19, 1, products, DARK, "of the products"),
            (0.19, 2, activity, LIGHT, "of the interactions"),
        ):
            axes.barh(
                [place + offset for place in range(len(bars))],
                [100 * bar[column] / whole for bar in bars],
                height=0.36,
                color=colour,
                edgecolor=DARK,
                linewidth=0.5,
                label=words,
            )
        axes.set_yticks(range(len(bars)), [bar[0] for bar in bars])
        axes.invert_yaxis()
        axes.set_ylabel("category")
        axes.set_xlabel("share, %")
        axes.legend(frameon=False, fontsize=8, loc="best")

    note = f"Products of the catalogue ({products:,}) and interactions of any kind except impressions{others}"
    height = 2.0 + 0.3 * len(bars)
    return Plot(name, title, reading, note, sample.rows, sample.of, paint, height=height)
