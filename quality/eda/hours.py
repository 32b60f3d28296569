"""Interactions by hour and weekday."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from matplotlib.figure import Figure

from quality.eda.picture import NotDrawn, Plot
from quality.eda.source import Source
from recomart.sql import literal

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hours_between(first: datetime, last: datetime) -> np.ndarray:
    """(7, 24) how often each hour of each weekday, Monday first, lies between two moments.

    Both moments' own hours are included, so a day of which only the evening is known counts
    only for its evening.
    """
    start = np.datetime64(first, "h")
    hours = np.arange(start, np.datetime64(last, "h") + np.timedelta64(1, "h")).astype(int)
    # hour 0 of numpy's clock is midnight of a Thursday
    return np.bincount((hours + 3 * 24) % (7 * 24), minlength=7 * 24).reshape(7, 24)


def by_hour(source: Source) -> Plot | NotDrawn:
    """Mean interactions per hour of the day and weekday, in UTC."""
    name, title = "hours", "Interactions by hour and weekday"
    sample = source.interactions("user_id")
    if not sample.rows:
        return NotDrawn(name, title, "the shop has no interactions")
    kinds = source.rows(
        "select kind, bool_or(occurred_at <> date_trunc('day', occurred_at)), count(*)"
        f" from {sample.sql} group by kind order by kind"
    )
    dated = {kind: count for kind, has_hours, count in kinds if not has_hours}
    if len(dated) == len(kinds):
        return NotDrawn(name, title, "the times are days without an hour")
    listed = ", ".join(literal(kind) for kind, has_hours, _ in kinds if has_hours)
    timed = f"(select * from {sample.sql} where kind in ({listed}))"
    first, last = source.rows(f"select min(occurred_at), max(occurred_at) from {timed}")[0]
    counts = np.zeros((7, 24))
    for day, hour, n in source.rows(
        f"select isodow(occurred_at) - 1, hour(occurred_at), count(*) from {timed} group by 1, 2"
    ):
        counts[day, hour] = n
    known = hours_between(first, last)
    mean = np.full((7, 24), np.nan)
    np.divide(counts * sample.factor, known, out=mean, where=known > 0)
    busiest = np.unravel_index(np.nanargmax(mean), mean.shape)
    each = counts.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    quietest = int(np.where(known.sum(axis=0) > 0, each, np.inf).argmin())
    day, hour = int(busiest[0]), int(busiest[1])
    usual = float(counts.sum() * sample.factor / known.sum())
    reading = (
        f"The busiest hour is {DAYS[day]} {hour:02d}:00 UTC with {mean[day, hour]:,.1f}"
        f" interactions, {mean[day, hour] / usual:.1f} times the mean of {usual:,.1f};"
        f" the quietest hour of the day is {quietest:02d}:00."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        # cividis goes evenly from dark to light, also in grey and for colour-blind readers
        image = axes.imshow(mean, cmap="cividis", aspect="auto", vmin=0)
        axes.set_yticks(range(7), DAYS)
        axes.set_xticks(range(0, 24, 2), [f"{h:02d}" for h in range(0, 24, 2)])
        axes.set_xlabel("hour of the day (UTC)")
        axes.set_ylabel("weekday")
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        bar.set_label("interactions per hour (mean)", fontsize=9)

    note = (
        f"One row per interaction of any kind except impressions, {first:%Y-%m-%d} to"
        f" {last:%Y-%m-%d}; each count is divided by how often that hour occurs in this period"
    )
    if dated:
        verb = "is left out: its" if len(dated) == 1 else "are left out: their"
        note += f"; {', '.join(dated)} {verb} times are days without an hour"
    without = sum(dated.values())
    return Plot(
        name, title, reading, note, sample.rows - without, sample.of - without, paint, height=4.2
    )
