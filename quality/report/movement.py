"""What changed in a column since the last run."""

from __future__ import annotations

from quality.report.profiles import ColumnProfile
from quality.report.words import number, share

MOVED_SHARE = 0.005
"""Half a percentage point more or less missing (or unreadable) is a change."""
NEW_SHARE = 0.05
"""So is a share among the new rows that is this far above the share of the last run."""
MOVED_SHAPE = 0.05
"""And half the sum of absolute differences between two histograms (total variation distance)."""


def changes(then: ColumnProfile, now: ColumnProfile) -> list[str]:
    """What changed in a column, in words."""
    found = []
    for word, before, after, new in (
        ("missing", then.missing_share, now.missing_share, now.new_missing),
        ("unreadable", then.unreadable_share, now.unreadable_share, now.new_unreadable),
    ):
        if abs(after - before) >= MOVED_SHARE:
            found.append(f"{word} {share(before)} then, {share(after)} now")
        elif now.new_rows and new / now.new_rows - before >= NEW_SHARE:
            rows = number(now.new_rows, "new row")
            found.append(f"{word} in {share(new / now.new_rows)} of {rows}")
    if now.kind in ("number", "year") and (then.low, then.high) != (now.low, now.high):
        found.append("the range changed")
    if now.kind == "time" and then.low is not None and now.low is not None and now.low < then.low:
        found.append("there are older times than before")
    distance = shape_distance(then, now)
    if distance is not None and distance >= MOVED_SHAPE and now.kind != "time":
        found.append(f"the distribution changed: {share(distance)} of the values moved")
    return found


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
