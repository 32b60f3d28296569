"""Histograms of the sampled rows of a raw table (quality/report/profiles.py makes the sample)."""

from __future__ import annotations

from itertools import pairwise

from quality.report.column_kinds import Kind
from quality.report.content import Content
from quality.report.quoting import quoted
from quality.report.tables import Tables
from recomart.sql import identifier

BINS, LABELS, LABEL = 20, 8, 24
"""Bins of a histogram, labels of a category, and characters of a label."""
MOST_OUTSIDE = 0.05
"""The last run's edges are kept while at most this share of the values lies outside them."""


class Histogram(Content):
    """Counts of numbers or times between edges (times in seconds since 1970), or of labels."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    is_scale: bool
    """The edges lie around the steps of a scale, half a step below and above each."""
    outside: int
    """Values below the first edge, above the last, or of rarer labels."""
    sampled_from: int | None
    """Rows of the table, when only a sample of them was counted."""

    def shares(self) -> tuple[float, ...]:
        """The share of all values in each bin or label."""
        total = (sum(self.counts) + self.outside) or 1
        return tuple(count / total for count in self.counts)


def read_histogram(
    tables: Tables, column: str, kind: Kind, before: Histogram | None
) -> Histogram | None:
    """The histogram of a column of the table `sampled`; None without values, and for texts.

    Args:
        before: that of the last run, whose edges are kept where they still fit.
    """
    typed = identifier(f"typed {column}")
    if kind == "text":
        return None
    if kind == "category":
        return _labels(tables, typed, before.labels if before else ())
    if before and before.edges:
        kept = _bins(tables, typed, before.edges, before.is_scale)
        if kept and kept.outside <= MOST_OUTSIDE * (sum(kept.counts) + kept.outside):
            return kept
    row = tables.row(f"select quantile_disc({typed}, [0.005, 0.995]) as ends from sampled")
    if row is None or row["ends"] is None or row["ends"][0] is None:
        return None
    low, high = row["ends"]
    if kind == "number" and (scale := _scale(tables, typed, low, high)):
        return _bins(tables, typed, scale, is_scale=True)
    return _bins(tables, typed, _even(low, high), is_scale=False)


def _even(low: float, high: float) -> tuple[float, ...]:
    width = (high - low) / BINS or 1.0
    return tuple(round(low + place * width, 6) for place in range(BINS + 1))


def _scale(tables: Tables, typed: str, low: float, high: float) -> tuple[float, ...] | None:
    """Edges around the steps of a scale (stars, half stars, pieces); None when the values are not one."""
    found = tables.rows(
        f"select distinct {typed} as value from sampled where {typed} between ? and ?"
        f" order by 1 limit {BINS + 1}",
        [low, high],
    )
    values = [row["value"] for row in found]
    if not 2 <= len(values) <= BINS:
        return None
    step = min(after - before for before, after in pairwise(values))
    places = round((high - low) / step)
    if places >= BINS or any(abs((v - low) / step % 1 - 0.5) < 0.499 for v in values):
        return None
    return tuple(round(low + (place - 0.5) * step, 6) for place in range(places + 2))


def _bins(tables: Tables, typed: str, edges: tuple[float, ...], is_scale: bool) -> Histogram | None:
    low, high = edges[0], edges[-1]
    if not high > low:
        return None
    found = tables.rows(
        f"""
        select
            case
                when {typed} between ? and ?
                    then least(cast(floor(({typed} - ?) / ? * {len(edges) - 1}) as integer),
                        {len(edges) - 2})
            end as bin,
            count(*) as count
        from sampled where {typed} is not null group by 1
        """,
        [low, high, low, high - low],
    )
    counts = {row["bin"]: row["count"] for row in found}
    if not counts:
        return None
    return Histogram(
        edges=edges,
        labels=(),
        counts=tuple(counts.get(place, 0) for place in range(len(edges) - 1)),
        is_scale=is_scale,
        outside=counts.get(None, 0),
        sampled_from=None,
    )


def _labels(tables: Tables, typed: str, before: tuple[str, ...]) -> Histogram | None:
    """The most frequent values, those of the last run first, so that the two can be compared."""
    found = tables.rows(
        f"""
        select left({typed}, 200) as label, count(*) as count
        from sampled where {typed} is not null group by 1 order by 2 desc, 1 limit 200
        """
    )
    total = tables.row(f"select count({typed}) as count from sampled")
    if not found or total is None:
        return None
    counts: dict[str, int] = {}
    for row in found:
        label = quoted(row["label"], LABEL)
        counts[label] = counts.get(label, 0) + row["count"]
    chosen = dict.fromkeys((*before, *list(counts)[:LABELS]))
    labels = tuple(list(chosen)[: 2 * LABELS])
    return Histogram(
        edges=(),
        labels=labels,
        counts=tuple(counts.get(label, 0) for label in labels),
        is_scale=False,
        outside=total["count"] - sum(counts.get(label, 0) for label in labels),
        sampled_from=None,
    )
