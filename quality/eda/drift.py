"""Drift of the main features between the first and the last month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quality.eda.picture import DARK, LIGHT, NotDrawn, Plot
from quality.eda.source import Sample, Source

MONTH = timedelta(days=30)
MAIN = {
    "user": ("interactions", "views", "carts", "purchases"),
    "product": ("views", "carts", "purchases"),
}
SOME, MUCH = 0.1, 0.25


@dataclass(frozen=True)
class Drift:
    """One feature in the first and in the last month: shares of the bins 0, 1, 2-3, 4-7 and so on, and their PSI."""

    feature: str
    then: np.ndarray
    now: np.ndarray
    psi: float


def bins(counts: np.ndarray) -> np.ndarray:
    """The bin of each count: 0 for 0, then one for each doubling (1, 2-3, 4-7, 8-15, ...)."""
    return np.where(counts < 1, 0, np.floor(np.log2(np.maximum(counts, 1))) + 1).astype(int)


def stability_index(then: np.ndarray, now: np.ndarray) -> float:
    """Population stability index of two sets of counts by bin.

    The sum over bins of (now - then) * ln(now / then), of shares. A bin that is empty in one
    of the two counts as half a row there, because the logarithm of 0 is undefined. Below 0.1 is usually called
    stable, above 0.25 a large shift.

    Args:
        then, now: (bins,) how many rows fall into each bin.

    Source: Siddiqi, Credit Risk Scorecards, 2006, chapter 9.
    """
    seen = (then + now) > 0
    before, after = np.maximum(then[seen], 0.5), np.maximum(now[seen], 0.5)
    before, after = before / then.sum(), after / now.sum()
    return float(((after - before) * np.log(after / before)).sum())


def of_users(source: Source) -> Plot | NotDrawn:
    """Drift of the main features of users."""
    return _drift(source, "user")


def of_products(source: Source) -> Plot | NotDrawn:
    """Drift of the main features of products."""
    return _drift(source, "product")


def _drift(source: Source, entity: str) -> Plot | NotDrawn:
    name, title = f"drift_{entity}s", f"Drift of {entity} features: first month against last month"
    if source.first_activity_at is None:
        return NotDrawn(name, title, "the shop has no interactions")
    start = source.first_activity_at.replace(hour=0, minute=0, second=0, microsecond=0)
    then = start + MONTH
    now = source.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    if now - then < MONTH:
        days = (now - start).days
        return NotDrawn(
            name, title, f"comparing two months needs 60 whole days of data, and there are {days}"
        )
    sample = source.sample(source.features(f"ftr_{entity}s", f"{entity}_id"), f"{entity}_id")
    before, after = (_active(source, sample, entity, moment) for moment in (then, now))
    drifts = [_compare(f"{what}_30d", before[i], after[i]) for i, what in enumerate(MAIN[entity])]
    moved = [drift for drift in drifts if drift is not None]
    if not moved:
        kinds = ", ".join(MAIN[entity])
        return NotDrawn(name, title, f"no {entity} has any {kinds} in one of the two months")
    worst = max(moved, key=lambda drift: drift.psi)
    size = f"PSI {worst.psi:.2f}; {SOME:g} and less is stable, above {MUCH:g} large"
    how = "a lot" if worst.psi > MUCH else "somewhat"
    reading = (
        f"{worst.feature} moved most, {how} ({size})."
        if worst.psi > SOME
        else f"No main feature moved: {worst.feature} moved most ({size})."
    ) + (
        f" {len(before[0]):,} {entity}s were active in the first month,"
        f" {len(after[0]):,} in the last."
    )

    def paint(figure: Figure) -> None:
        axes = np.atleast_1d(figure.subplots(1, len(moved), sharey=True))
        for place, (panel, drift) in enumerate(zip(axes, moved, strict=True)):
            _paint(panel, drift)
            panel.set_xlabel(f"{drift.feature}\n(count, in 30 days)")
            panel.set_title(f"PSI {drift.psi:.2f}", fontsize=9)
            if place == 0:
                panel.set_ylabel(f"share of the active {entity}s, %")
                # next to the title, where it covers no bar
                handles, names = panel.get_legend_handles_labels()
                legend = figure.legend(
                    handles, names, loc="upper right", ncols=2, frameon=False, fontsize=8
                )
                legend.set_in_layout(False)

    note = (
        f"{entity.capitalize()}s with any activity in the 30 days before {then:%Y-%m-%d} (first"
        f" month) and {now:%Y-%m-%d} (last month); from the feature history"
    )
    return Plot(name, title, reading, note, sample.rows, sample.of, paint, height=4.2)


def _active(source: Source, sample: Sample, entity: str, moment: datetime) -> list[np.ndarray]:
    """The main features of all that were active in the 30 days before a midnight, by feature."""
    columns = [f"{entity}_{what}_30d" for what in MAIN[entity]]
    found = source.columns(
        f"select {', '.join(columns)} from (select * from {sample.sql}"
        f" where event_timestamp <= $1 qualify row_number() over"
        f" (partition by {entity}_id order by event_timestamp desc) = 1)"
        f" where greatest({', '.join(columns)}) > 0",
        moment,
    )
    return [np.ma.filled(found[column], 0) for column in columns]


def _compare(feature: str, before: np.ndarray, after: np.ndarray) -> Drift | None:
    """None where the shop has no such activity at either time."""
    if not len(before) or not len(after) or not (before.any() or after.any()):
        return None
    size = int(max(bins(before).max(), bins(after).max())) + 1
    then, now = (np.bincount(bins(values), minlength=size) for values in (before, after))
    return Drift(feature, then / then.sum(), now / now.sum(), stability_index(then, now))


def _paint(panel: Axes, drift: Drift) -> None:
    places = np.arange(len(drift.then))
    for offset, shares, colour, words in (
        (-0.2, drift.then, LIGHT, "first month"),
        (0.2, drift.now, DARK, "last month"),
    ):
        panel.bar(
            places + offset,
            100 * shares,
            width=0.4,
            color=colour,
            edgecolor=DARK,
            linewidth=0.5,
            label=words,
        )
    names = [_name(place) for place in range(len(places))]
    panel.set_xticks(places, names, rotation=60, ha="right", rotation_mode="anchor")


def _name(place: int) -> str:
    low, high = (0, 0) if place == 0 else (2 ** (place - 1), 2**place - 1)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
