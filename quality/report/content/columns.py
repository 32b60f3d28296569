"""Page 3: the columns that changed or failed."""

from __future__ import annotations

from typing import Literal

from quality.report.content.base import Content


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
        total = (sum(self.counts) + self.outside) or 1
        return tuple(count / total for count in self.counts)


class ColumnProfile(Content):
    """A column of a raw table, all rows received so far."""

    entity: str
    column: str
    kind: Literal["number", "year", "time", "category", "text"]
    rows: int
    missing: int
    unreadable: int
    """Values that are not of the column's kind."""
    distinct: int
    """Exact up to a million rows, then approximate."""
    low: float | None
    high: float | None
    new_rows: int
    """Rows of batches that the last run did not know."""
    new_missing: int
    new_unreadable: int
    histogram: Histogram | None

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows if self.rows else 0.0

    @property
    def unreadable_share(self) -> float:
        return self.unreadable / self.rows if self.rows else 0.0


class MovedColumn(Content):
    """A column in which something changed since the last run, or failed."""

    entity: str
    column: str
    why: tuple[str, ...]
    broken: int
    then: ColumnProfile | None
    now: ColumnProfile


class Columns(Content):
    """Page 3."""

    moved: tuple[MovedColumn, ...]
    unmoved: int
    notes: tuple[str, ...]
    profiles: tuple[ColumnProfile, ...]
