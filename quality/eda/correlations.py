"""Which features say the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from quality.eda.picture import INK, NotDrawn, Plot, label, of_all
from quality.eda.source import Source

NUMBERS = ("BIGINT", "INTEGER", "DOUBLE", "FLOAT", "HUGEINT", "DECIMAL")
LEAST_ROWS, LEAST_FEATURES = 3, 3
ALIKE = 0.9


def rank_correlations(features: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rank correlation of each two columns, over the rows that have both.

    Ranks, since counts and money have long tails that would rule Pearson's. Columns of which all
    values are equal are left out.

    Source: Spearman, 1904, "The proof and measurement of association between two things".
    """
    varied = [name for name in features if features[name].nunique() > 1]
    return features[varied].corr(method="spearman", min_periods=LEAST_ROWS)


def of_users(source: Source) -> Plot | NotDrawn:
    """Correlations among the features of users."""
    return _correlations(source, "user")


def of_products(source: Source) -> Plot | NotDrawn:
    """Correlations among the features of products."""
    return _correlations(source, "product")


def _correlations(source: Source, thing: str) -> Plot | NotDrawn:
    name, title = f"correlations_{thing}s", f"Which {thing} features say the same"
    sample = source.sample(source.features(f"ftr_{thing}s", f"{thing}_id"), f"{thing}_id")
    described = source.rows(f"describe select * from {sample.sql}")
    numbers = [row[0] for row in described if row[1].startswith(NUMBERS)]
    columns = ", ".join(f"{column}::double as {column}" for column in numbers)
    found = source.columns(
        f"select {columns} from {sample.sql} where event_timestamp <= $1"
        f" qualify row_number() over (partition by {thing}_id order by event_timestamp desc) = 1"
        f" order by {thing}_id",
        source.as_of,
    )
    newest = pd.DataFrame({key: np.ma.filled(values, np.nan) for key, values in found.items()})
    table = rank_correlations(newest)
    if len(newest) < LEAST_ROWS or len(table) < LEAST_FEATURES:
        return NotDrawn(name, title, f"fewer than three {thing} features have more than one value")
    values = table.to_numpy()
    names = [str(column).removeprefix(f"{thing}_") for column in table]
    upper = np.triu_indices(len(names), 1)
    pairs = np.nan_to_num(values[upper])
    strongest = int(np.abs(pairs).argmax())
    high = int((np.abs(pairs) >= ALIKE).sum())
    alike = ", so that one says nearly what the other says" if high else ""
    reading = (
        f"{high:,} of {of_all(len(pairs), 'pair', 'pairs')} of features have a rank correlation of"
        f" {ALIKE:g} or more{alike}; the strongest is {label(names[upper[0][strongest]], 40)} with"
        f" {label(names[upper[1][strongest]], 40)} ({pairs[strongest]:.2f})."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        image = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        places = range(len(names))
        axes.set_xticks(places, names, rotation=50, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, names)
        # the sign is in the number: both ends of the colours are equally dark in grey
        size = 7 if len(names) <= 14 else 5.5
        for row in places:
            for column in places:
                value = values[row, column]
                if not np.isnan(value):
                    axes.text(
                        column,
                        row,
                        f"{value:.2f}".replace("0.", "."),
                        ha="center",
                        va="center",
                        fontsize=size,
                        color="white" if abs(value) > 0.6 else INK,
                    )
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        bar.set_label("Spearman's rank correlation", fontsize=9)
        axes.set_xlabel(f"feature of the {thing}")
        axes.set_ylabel(f"feature of the {thing}")

    note = f"The newest row of each {thing} at {source.as_of:%Y-%m-%d}, {len(newest):,} {thing}s; from the feature history"
    height = 3.2 + 0.28 * len(names)
    return Plot(name, title, reading, note, sample.rows, sample.of, paint, height=height)
