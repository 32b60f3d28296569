"""How much is known about users and products: the user-item matrix, and activity."""

from __future__ import annotations

import io
from typing import Literal

from quality.report.charts import NOW, empty_figure, plain_spines, png
from quality.report.content import Content
from quality.report.paper import MARGIN, WIDTH, Paper
from quality.report.tables import Tables

_BUCKETS = (("none", 0, 0), ("1 to 4", 1, 4), ("5 to 19", 5, 19), ("20 to 99", 20, 99))
_MOST = "100 or more"


class Activity(Content):
    """How many users or products have how many interactions."""

    of: Literal["users", "products"]
    total: int
    buckets: tuple[tuple[str, int], ...]


class Matrix(Content):
    """The user-item matrix: who interacted with what, impressions left out."""

    users: int
    products: int
    pairs: int
    filled: float
    activity: tuple[Activity, ...]


def read_matrix(tables: Tables) -> Matrix | None:
    """Sizes of the user-item matrix; None before the first transform.

    Pairs are counted by the hash of user and product: 8 bytes a pair, and among 10 million pairs
    less than one in a hundred thousand reports would be off by one.
    """
    needs = "marts.fct_interactions marts.dim_users marts.dim_products"
    row = tables.row(
        """
        select
            (select count(*) from marts.dim_users) as users,
            (select count(*) from marts.dim_products) as products,
            (
                select count(distinct hash(user_id, product_id))
                from marts.fct_interactions where kind <> 'impression'
            ) as pairs
        """,
        needs=needs,
    )
    if row is None:
        return None
    cells = row["users"] * row["products"]
    return Matrix(
        users=row["users"],
        products=row["products"],
        pairs=row["pairs"],
        filled=row["pairs"] / cells if cells else 0.0,
        activity=(
            _activity(tables, "users", "user_id", row["users"]),
            _activity(tables, "products", "product_id", row["products"]),
        ),
    )


def _activity(tables: Tables, of: Literal["users", "products"], key: str, total: int) -> Activity:
    counts = ", ".join(
        f"count(*) filter (n between {low} and {high}) as {name!r}".replace("'", '"')
        for name, low, high in _BUCKETS[1:]
    )
    row = tables.row(
        f"""
        select {counts}, count(*) filter (n >= 100) as "{_MOST}"
        from (
            select {key}, count(*) as n from marts.fct_interactions
            where kind <> 'impression' group by 1
        )
        """
    )
    found = {name: int(count) for name, count in (row or {}).items()}
    buckets = (("none", max(total - sum(found.values()), 0)), *found.items())
    return Activity(of=of, total=total, buckets=buckets)


def draw_matrix(paper: Paper, matrix: Matrix) -> None:
    """A section with its size, and a chart of the activity."""
    paper.section("How much is known about users and products")
    paper.pen(9)
    paper.paragraph(
        f"{matrix.users:,} users and {matrix.products:,} products met in {matrix.pairs:,} of "
        f"{matrix.users * matrix.products:,} possible pairs: {100 * matrix.filled:.3g}% of the "
        "user-item matrix is filled. Orange: cold users and products, with fewer than five "
        "interactions (impressions not counted); recommendations for them rely on popularity."
    )
    picture, height = activity_chart(matrix)
    paper.keep(height)
    paper.image(picture, x=MARGIN, w=WIDTH)
    paper.ln(1)


def activity_chart(matrix: Matrix) -> tuple[io.BytesIO, float]:
    """How many users and products have how many interactions."""
    height = 42.0
    figure = empty_figure(WIDTH, height)
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
        plain_spines(axes)
    return png(figure), height
