"""How ratings and prices are distributed."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from quality.eda.picture import DARK, MIDDLE, NotDrawn, Plot, percent
from quality.eda.source import Source

FEW_VALUES = 21
"""The most different ratings that get a bar each."""
WIDE = 30
"""Prices are drawn on a log axis if the 99th percentile is this many times the 1st."""
BINS = 40


def ratings(source: Source) -> Plot | NotDrawn:
    """The distribution of explicit ratings on the shop's scale."""
    name, title = "ratings", "Ratings"
    sample = source.sample("marts.fct_ratings", "user_id")
    if not sample.rows:
        return NotDrawn(name, title, "the shop has no ratings")
    found = source.columns(
        f"select rating::double as value, count(*) as n from {sample.sql} group by 1 order by 1"
    )
    low, high, liked = source.rows(
        "select rating_min, rating_max, relevant_rating from marts.dim_shop"
    )[0]
    values, shares = found["value"], 100 * found["n"] / sample.rows
    mean = float(values @ found["n"]) / sample.rows
    is_liked = float(found["n"][values >= liked].sum()) / sample.rows
    reading = (
        f"The mean is {mean:.2f} on a scale of {low:g} to {high:g};"
        f" {percent(is_liked)} of the ratings are {liked:g} or more, which counts as liked."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        if len(values) <= FEW_VALUES:
            step = float(np.diff(values).min()) if len(values) > 1 else 1.0
            bars = axes.bar(values, shares, width=0.8 * step, color=DARK)
            if len(values) <= 10:
                axes.bar_label(bars, fmt="%.1f%%", fontsize=8, padding=2)
            axes.set_xticks(values)
        else:
            axes.hist(values, bins=BINS, weights=shares, color=DARK)
        axes.margins(y=0.1)
        axes.set_xlabel(f"rating (scale of {low:g} to {high:g})")
        axes.set_ylabel("share of the ratings, %")

    return Plot(name, title, reading, "One row per rating", sample.rows, sample.of, paint)


def prices(source: Source) -> Plot | NotDrawn:
    """The distribution of catalogue prices, or of prices paid if the catalogue has none."""
    name, title = "prices", "Prices"
    of = "marts.dim_products"
    sample, price, note = source.sample(of, "product_id"), "price", "One row per product"
    title_drawn = "Prices in the catalogue"
    if not source.count(of, "price is not null"):
        title_drawn, note = "Prices paid for one unit", "One row per line of an order"
        sample = source.sample("marts.fct_transactions", "order_id")
        price = "coalesce(unit_price, line_total / nullif(quantity, 0))"
    values = source.columns(
        f"select ({price})::double as price from {sample.sql} where ({price}) is not null order by 1"
    )["price"]
    values = np.ma.filled(values, np.nan)
    above = values[values > 0]
    if not len(above):
        return NotDrawn(name, title, "neither the catalogue nor an order has a price above 0")
    left_out = sample.rows - len(above)
    if left_out:
        note += f" ({left_out:,} without a price above 0 are left out)"
    lower, median, upper = np.percentile(above, [25, 50, 75])
    unit = source.currency or "in the shop's currency"
    reading = (
        f"The median price is {median:,.2f} {unit}; half of all prices lie between {lower:,.2f}"
        f" and {upper:,.2f}, and the highest is {above.max():,.2f}."
    )
    first, last = np.percentile(above, [1, 99])
    is_wide = last / first > WIDE
    # extremes go into the outermost bins, or one price of a million would squeeze all others
    edges = np.geomspace(first, last, BINS + 1) if is_wide else np.linspace(first, last, BINS + 1)
    if first == last:
        edges = np.linspace(first * 0.9, first * 1.1, BINS + 1)
    shown = np.clip(above, edges[0], edges[-1])

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        weights = np.full(len(shown), 100 / len(shown))
        axes.hist(shown, bins=edges.tolist(), weights=weights, color=MIDDLE, edgecolor="white")
        axes.axvline(float(median), color=DARK, linestyle="--", linewidth=1.2)
        axes.annotate(
            f"median {median:,.2f}",
            (float(median), 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=8,
            color=DARK,
        )
        axes.margins(y=0.12)
        scale = ""
        if is_wide:
            axes.set_xscale("log")
            scale = ", log axis"
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.set_xlabel(f"price ({unit}{scale}; the outermost bars include the 1% beyond)")
        axes.set_ylabel("share of the prices, %")

    return Plot(name, title_drawn, reading, note, len(above), sample.of - left_out, paint)
