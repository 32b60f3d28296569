"""From a view over the cart to a purchase."""

from __future__ import annotations

from matplotlib.figure import Figure

from quality.eda.picture import DARK, LIGHT, NotDrawn, Plot, percent
from quality.eda.source import Source

STAGES = (("view", "viewed"), ("add_to_cart", "put into the cart"), ("purchase", "bought"))


def funnel(source: Source) -> Plot | NotDrawn:
    """How many user-product pairs reach each stage, and how many events each stage has.

    A pair reaches a stage when it has an event of this and of every earlier stage that the shop
    records, in any order.
    """
    name, title = "funnel", "From view to purchase"
    sample = source.interactions("user_id")
    events = dict(source.rows(f"select kind, count(*) from {sample.sql} group by kind"))
    stages = [(kind, words) for kind, words in STAGES if events.get(kind)]
    if len(stages) < 2:
        have = f"only {stages[0][0]} events are" if stages else "none of them is"
        return NotDrawn(
            name, title, f"a funnel needs views, carts and purchases, and {have} recorded"
        )
    flags = ", ".join(f"bool_or(kind = '{kind}') as {kind}" for kind, _ in stages)
    reached = ", ".join(
        f"count(*) filter (where {' and '.join(kind for kind, _ in stages[: place + 1])})"
        for place in range(len(stages))
    )
    last = stages[-1][0]
    *pairs, unseen = source.rows(
        f"select {reached}, count(*) filter (where {last} and not {stages[0][0]})"
        f" from (select {flags} from {sample.sql} group by user_id, product_id)"
    )[0]
    start = pairs[0] or 1
    steps = " and ".join(
        f"{percent(n / start)} were {words}"
        for n, (_, words) in zip(pairs[1:], stages[1:], strict=True)
    )
    reading = (
        (
            f"Of {pairs[0]:,} user-product pairs with a view, {steps};"
            f" {unseen:,} pairs were {stages[-1][1]} without a recorded view."
        )
        if stages[0][0] == "view"
        else f"Of {pairs[0]:,} user-product pairs with a cart, {steps}."
    )
    used = sum(events[kind] for kind, _ in stages)

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        names = [words for _, words in stages]
        places = range(len(stages))
        for axes, values, colour, what in (
            (
                left,
                pairs,
                DARK,
                "distinct user-product pairs\nthat reached this stage and those above",
            ),
            (
                right,
                [events[kind] for kind, _ in stages],
                LIGHT,
                "events of this stage\n(a pair may have many)",
            ),
        ):
            axes.barh(places, values, color=colour, height=0.6, edgecolor=DARK, linewidth=0.6)
            for place, value in zip(places, values, strict=True):
                share = f"{value:,} ({percent(value / (values[0] or 1))})"
                axes.annotate(
                    share,
                    (value, place),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                )
            axes.set_xlim(0, max(values) * 1.42)
            axes.set_xlabel(what)
            axes.locator_params(axis="x", nbins=4)
            axes.xaxis.set_major_formatter("{x:,.0f}")
        left.set_yticks(places, names)
        left.set_ylabel("stage")
        left.invert_yaxis()

    note = "One row per view, cart and purchase; percent of the first stage, in any order of time"
    return Plot(
        name,
        title,
        reading,
        note,
        used,
        _whole(source, sample.of, used, sample.rows),
        paint,
        height=3.8,
    )


def _whole(source: Source, of: int, used: int, rows: int) -> int:
    """Rows of these kinds in the whole table: all of them were used unless it was sampled."""
    if rows == of:
        return used
    kinds = ", ".join(f"'{kind}'" for kind, _ in STAGES)
    return source.count("marts.fct_interactions", f"kind in ({kinds})")
