"""The funnel from view to cart to purchase."""

from __future__ import annotations

from matplotlib.figure import Figure

from quality.eda.picture import DARK, LIGHT, NotDrawn, Plot, of_all, percent
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
        have = f"only {stages[0][0]} events are" if stages else "none of these is"
        return NotDrawn(
            name, title, f"a funnel needs views, carts and purchases, and {have} recorded"
        )
    flags = ", ".join(f"coalesce(bool_or(kind = '{kind}'), false) as {kind}" for kind, _ in STAGES)
    reached = ", ".join(
        f"count(*) filter (where {' and '.join(kind for kind, _ in stages[: place + 1])})"
        for place in range(len(stages))
    )
    first, last = stages[0][0], stages[-1][0]
    *pairs, both, without_first = source.rows(
        f"select {reached}, count(*) filter (where {first} and {last}),"
        f" count(*) filter (where {last} and not {first})"
        f" from (select {flags} from {sample.sql} group by user_id, product_id)"
    )[0]
    reading = _reading(stages, pairs, both, without_first)
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


def _reading(stages: list[tuple[str, str]], pairs: list[int], both: int, without_first: int) -> str:
    """What became of the pairs of the first stage, including those that skipped the second."""
    start, begin, end = max(pairs[0], 1), stages[0][1], stages[-1][1]
    reading = f"Of {pairs[0]:,} user-product pairs {begin}, "
    if len(stages) == len(STAGES):
        reading += (
            f"{percent(pairs[1] / start)} were {stages[1][1]} and {percent(both / start)} {end},"
            f" {percent(pairs[2] / start)} with a cart recorded"
        )
    else:
        reading += f"{percent(both / start)} were {end}"
    without = of_all(without_first, "more was", "more were") if without_first else "none was"
    return f"{reading}; {without} {end} without being {begin}."


def _whole(source: Source, of: int, used: int, rows: int) -> int:
    """Rows of these kinds in the whole table: all of them were used unless it was sampled."""
    if rows == of:
        return used
    kinds = ", ".join(f"'{kind}'" for kind, _ in STAGES)
    return source.count("marts.fct_interactions", f"kind in ({kinds})")
