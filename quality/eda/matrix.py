"""How sparse the user-item matrix is, by bands of activity."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from quality.eda.picture import NotDrawn, Plot, of_all, percent
from quality.eda.source import Source

BANDS = 20


def sparsity(source: Source) -> Plot | NotDrawn:
    """The share of user-product pairs with an interaction, in bands of activity."""
    name, title = "sparsity", "Sparsity of the user-item matrix"
    sample = source.interactions("user_id")
    users = source.count("marts.dim_users", sample.condition)
    products = source.count("marts.dim_products")
    pairs = source.columns(
        "with pairs as (select distinct user_id, product_id from"
        f" {sample.sql} where product_id is not null),"
        " u as (select user_id, row_number() over (order by count(*) desc, user_id) - 1 as place"
        " from pairs group by user_id),"
        " p as (select product_id, row_number() over (order by count(*) desc, product_id) - 1"
        " as place from pairs group by product_id)"
        f" select least(u.place * {BANDS} // $1, {BANDS - 1})::int as user_band,"
        f" least(p.place * {BANDS} // $2, {BANDS - 1})::int as product_band, count(*) as n"
        " from pairs join u using (user_id) join p using (product_id) group by all",
        max(users, 1),
        max(products, 1),
    )
    filled = int(pairs["n"].sum())
    if not filled:
        return NotDrawn(name, title, "the shop has no interactions")
    counts = np.zeros((BANDS, BANDS))
    counts[pairs["user_band"], pairs["product_band"]] = pairs["n"]
    cells = np.outer(_sizes(users), _sizes(products))
    density = np.divide(counts, cells, out=np.full_like(counts, np.nan), where=cells > 0)
    tenth = BANDS // 10
    densest = counts[:tenth, :tenth].sum() / filled
    where = " in the sample" if sample.sampled else ""
    who = "sampled user" if sample.sampled else "user"
    reading = (
        f"{percent(filled / (users * products))} of the matrix of {of_all(users, who, who + 's')}"
        f" and {of_all(products, 'product', 'products')} is filled ({filled:,} pairs);"
        f" the busiest tenth of both, 1% of the cells, holds {percent(densest)} of the pairs."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        shown = 100 * density
        least = float(np.nanmin(shown[shown > 0]))
        most = max(float(np.nanmax(shown)), least * 1.01)
        axes.set_facecolor("white")
        image = axes.imshow(
            np.where(shown > 0, shown, np.nan),
            cmap="cividis",
            norm=LogNorm(least, most),
            extent=(0, 100, 100, 0),
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_xlabel("products by popularity, % from the most popular")
        axes.set_ylabel("users by activity, % from the busiest")
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        # powers of ten alone may leave a narrow range with one tick
        ticks = np.geomspace(least, most, 5).tolist()
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.ax.minorticks_off()
        bar.set_label(f"pairs with an interaction, % (white: none{where})", fontsize=9)

    note = "One row per interaction of any kind except impressions, repeats of a pair counted once"
    return Plot(name, title, reading, note, sample.rows, sample.of, paint, height=5.2)


def _sizes(n: int) -> np.ndarray:
    """(BANDS,) how many of n places fall into each band."""
    bands = np.minimum(np.arange(n) * BANDS // max(n, 1), BANDS - 1)
    return np.bincount(bands, minlength=BANDS)
