"""Which features are redundant: rank correlations."""

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

    Ranks, because counts and money have long tails that would dominate Pearson's correlation. Columns
    with a single value are left out.

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


def _correlations(source: Source, entity: str) -> Plot | NotDrawn:
    name, title = f"correlations_{entity}s", f"Redundant {entity} features: rank correlations"
    sample = source.sample(source.features(f"ftr_{entity}s", f"{entity}_id"), f"{entity}_id")
    described = source.rows(f"describe select * from {sample.sql}")
    numbers = [row[0] for row in described if row[1].startswith(NUMBERS)]
    columns = ", ".join(f"{column}::double as {column}" for column in numbers)
    found = source.columns(
        f"select {columns} from {sample.sql} where event_timestamp <= $1"
        f" qualify row_number() over (partition by {entity}_id order by event_timestamp desc) = 1"
        f" order by {entity}_id",
        source.as_of,
    )
    newest = pd.DataFrame({key: np.ma.filled(values, np.nan) for key, values in found.items()})
    table = rank_correlations(newest)
    if len(newest) < LEAST_ROWS or len(table) < LEAST_FEATURES:
        return NotDrawn(name, title, f"fewer than three {entity} features have more than one value")
    values = table.to_numpy()
    names = [str(column).removeprefix(f"{entity}_") for column in table]
    upper = np.triu_indices(len(names), 1)
    pairs = np.nan_to_num(values[upper])
    strongest = int(np.abs(pairs).argmax())
    high = int((np.abs(pairs) >= ALIKE).sum())
    alike = ", so one of the two adds little" if high else ""
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
        # the number carries the sign: in grey, both ends of the colour scale are equally dark
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
        axes.set_xlabel(f"feature of the {entity}")
        axes.set_ylabel(f"feature of the {entity}")

    note = f"The newest row of each {entity} at {source.as_of:%Y-%m-%d}, {len(newest):,} {entity}s; from the feature history"
    height = 3.2 + 0.28 * len(names)
    return Plot(name, title, reading, note, sample.rows, sample.of, paint, height=height)
