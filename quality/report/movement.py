"""Page 3: the columns in which something changed since the last run, or failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quality.report.content import ColumnProfile, Columns, MovedColumn, Reason
from quality.report.words import counted, number, share

MOVED_SHARE = 0.005
"""Half a percentage point more or less missing (or unreadable) is a change."""
NEW_SHARE = 0.05
"""So is a share among the new rows that lies this far above the last run's."""
MOVED_SHAPE = 0.05
"""Half the sum of absolute differences between two histograms (total variation distance)."""


def moved_columns(
    profiles: Sequence[ColumnProfile],
    earlier: Iterable[ColumnProfile] | None,
    reasons: Iterable[Reason],
) -> Columns:
    """Compare the profiles with those of the last run (None: there was none)."""
    then = {(p.entity, p.column): p for p in earlier or ()}
    broken: dict[tuple[str, str], int] = {}
    for reason in reasons:
        if reason.kind == "quarantined" and reason.column:
            key = (reason.entity, reason.column)
            broken[key] = broken.get(key, 0) + reason.count
    moved = []
    for profile in profiles:
        key = (profile.entity, profile.column)
        before, breaks = then.get(key), broken.get(key, 0)
        why = [f"{counted(profile.entity, breaks)} in quarantine for it"] if breaks else []
        if before is not None:
            why += _changes(before, profile)
        elif earlier is not None and profile.missing < profile.rows:
            why.append("new since the last run")
        if why:
            moved.append(
                MovedColumn(
                    entity=profile.entity,
                    column=profile.column,
                    why=tuple(why),
                    broken=breaks,
                    then=before,
                    now=profile,
                )
            )
    notes = []
    if earlier is None:
        notes.append(
            "This is the first report of this lake: there is no earlier one to compare with, "
            "so only columns with failures are shown."
        )
    sampled = [p for p in profiles if p.histogram and p.histogram.sampled_from]
    for entity in dict.fromkeys(p.entity for p in sampled):
        rows = next(p.rows for p in sampled if p.entity == entity)
        notes.append(
            f"Histograms of {entity} are of a sample: about a million of {rows:,} rows, chosen by "
            "a hash. All other figures are of all rows."
        )
    return Columns(
        moved=tuple(moved),
        unmoved=len(profiles) - len(moved),
        notes=tuple(notes),
        profiles=tuple(profiles),
    )


def _changes(then: ColumnProfile, now: ColumnProfile) -> list[str]:
    changes = []
    for word, before, after, new in (
        ("missing", then.missing_share, now.missing_share, now.new_missing),
        ("unreadable", then.unreadable_share, now.unreadable_share, now.new_unreadable),
    ):
        if abs(after - before) >= MOVED_SHARE:
            changes.append(f"{word} {share(before)} then, {share(after)} now")
        elif now.new_rows and new / now.new_rows - before >= NEW_SHARE:
            rows = number(now.new_rows, "new row")
            changes.append(f"{word} in {share(new / now.new_rows)} of {rows}")
    if now.kind in ("number", "year") and (then.low, then.high) != (now.low, now.high):
        changes.append("another range")
    if now.kind == "time" and then.low is not None and now.low is not None and now.low < then.low:
        changes.append("older times than before")
    distance = shape_distance(then, now)
    if distance is not None and distance >= MOVED_SHAPE and now.kind != "time":
        changes.append(f"another distribution: {share(distance)} of the values moved")
    return changes


def shape_distance(then: ColumnProfile, now: ColumnProfile) -> float | None:
    """Total variation distance of two histograms; None where they cannot be compared.

    Half the sum of the absolute differences of the shares, what lies outside being one bin more:
    the least share of the values that would have to move to make one histogram of the other.
    """
    before, after = then.histogram, now.histogram
    if before is None or after is None or before.edges != after.edges:
        return None
    labels = after.labels or tuple(str(place) for place in range(len(after.counts)))
    known = before.labels or labels
    shares_then = dict(zip(known, before.shares(), strict=False))
    shares_now = dict(zip(labels, after.shares(), strict=False))
    apart = sum(
        abs(shares_now.get(label, 0.0) - shares_then.get(label, 0.0)) for label in {*known, *labels}
    )
    outside = abs((1 - sum(shares_now.values())) - (1 - sum(shares_then.values())))
    return (apart + outside) / 2
