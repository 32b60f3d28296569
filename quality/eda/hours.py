"""When a week's interactions happen."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from matplotlib.figure import Figure

from quality.eda.picture import NotDrawn, Plot
from quality.eda.source import Source

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekdays(first: date, last: date) -> np.ndarray:
    """(7,) how many Mondays to Sundays lie between two days, both included."""
    found = np.zeros(7, dtype=int)
    for offset in range((last - first).days + 1):
        found[(first + timedelta(days=offset)).weekday()] += 1
    return found


def by_hour(source: Source) -> Plot | NotDrawn:
    """Mean interactions per hour of the day and weekday, in UTC."""
    name, title = "hours", "Interactions by hour and weekday"
    sample = source.interactions("user_id")
    if not sample.rows:
        return NotDrawn(name, title, "the shop has no interactions")
    first, last, fine = source.rows(
        "select min(occurred_at)::date, max(occurred_at)::date,"
        " count(*) filter (where occurred_at <> date_trunc('day', occurred_at))"
        f" from {sample.sql}"
    )[0]
    if not fine:
        return NotDrawn(name, title, "the times are days without an hour")
    counts = np.zeros((7, 24))
    for day, hour, n in source.rows(
        "select isodow(occurred_at) - 1, hour(occurred_at), count(*)"
        f" from {sample.sql} group by 1, 2"
    ):
        counts[day, hour] = n
    days = weekdays(first, last)
    mean = counts * sample.factor / np.maximum(days, 1)[:, None]
    mean[days == 0] = np.nan
    busiest = np.unravel_index(np.nanargmax(mean), mean.shape)
    quietest = int(np.nanargmin(np.nanmean(mean, axis=0)))
    day, hour = int(busiest[0]), int(busiest[1])
    usual = float(np.nanmean(mean))
    reading = (
        f"The busiest hour is {DAYS[day]} {hour:02d}:00 UTC with {mean[day, hour]:,.1f}"
        f" interactions, {mean[day, hour] / usual:.1f} times the mean of {usual:,.1f};"
        f" the quietest hour of the day is {quietest:02d}:00."
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        # cividis goes evenly from dark to light, for colour-blind eyes and in grey
        image = axes.imshow(mean, cmap="cividis", aspect="auto", vmin=0)
        axes.set_yticks(range(7), DAYS)
        axes.set_xticks(range(0, 24, 2), [f"{h:02d}" for h in range(0, 24, 2)])
        axes.set_xlabel("hour of the day (UTC)")
        axes.set_ylabel("weekday")
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        bar.set_label("interactions per hour (mean)", fontsize=9)

    note = (
        f"One row per interaction of any kind but impressions, {first} to {last};"
        " a weekday's hours are divided by how often it occurs"
    )
    return Plot(name, title, reading, note, sample.rows, sample.of, paint, height=4.2)
