"""What counts as a change of a column, and what as rows taken back. Expected values by hand."""

from __future__ import annotations

import pytest

from quality.report.batches import Batch
from quality.report.histograms import Histogram
from quality.report.movement import shape_distance
from quality.report.pages.columns import moved_columns
from quality.report.profiles import ColumnProfile
from quality.report.recovered import taken_back


def _profile(**given: object) -> ColumnProfile:
    values: dict[str, object] = {
        "entity": "products",
        "column": "price",
        "kind": "number",
        "rows": 1000,
        "missing": 0,
        "unreadable": 0,
        "distinct": 10,
        "low": 1.0,
        "high": 9.0,
        "new_rows": 0,
        "new_missing": 0,
        "new_unreadable": 0,
        "histogram": None,
    }
    return ColumnProfile(**(values | given))  # type: ignore[arg-type]


def _histogram(
    counts: tuple[int, ...], labels: tuple[str, ...] = (), outside: int = 0
) -> Histogram:
    edges = () if labels else tuple(float(place) for place in range(len(counts) + 1))
    return Histogram(
        edges=edges,
        labels=labels,
        counts=counts,
        is_scale=False,
        outside=outside,
        sampled_from=None,
    )


def _why(then: ColumnProfile, now: ColumnProfile) -> list[str]:
    return [why for column in moved_columns([now], [then], []).moved for why in column.why]


def test_column_without_a_change_is_not_shown() -> None:
    columns = moved_columns([_profile()], [_profile()], [])
    assert (columns.moved, columns.unmoved) == ((), 1)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({"missing": 4}, []),
        ({"missing": 5}, ["missing 0% then, 0.5% now"]),
        ({"unreadable": 20}, ["unreadable 0% then, 2.0% now"]),
        ({"missing": 3, "new_rows": 50, "new_missing": 3}, ["missing in 6.0% of 50 new rows"]),
        ({"high": 10.0}, ["the range changed"]),
    ],
)
def test_changes_beyond_the_usual_are_named(now: dict[str, object], why: list[str]) -> None:
    assert _why(_profile(), _profile(**now)) == why


def test_later_times_are_no_change_and_older_ones_are() -> None:
    then = _profile(kind="time", low=100.0, high=200.0)
    assert _why(then, _profile(kind="time", low=100.0, high=300.0)) == []
    assert _why(then, _profile(kind="time", low=50.0, high=200.0)) == [
        "there are older times than before"
    ]


@pytest.mark.parametrize(
    ("then", "now", "distance"),
    [
        (_histogram((50, 50)), _histogram((500, 500)), 0.0),
        (_histogram((100, 0)), _histogram((0, 100)), 1.0),
        (_histogram((50, 50)), _histogram((60, 40)), 0.1),
        (_histogram((80, 20)), _histogram((80, 0), outside=20), 0.2),
        (_histogram((70, 30), ("a", "b")), _histogram((30, 70), ("b", "a")), 0.0),
        (_histogram((100,), ("a",)), _histogram((50, 50), ("a", "new")), 0.5),
    ],
)
def test_distance_is_the_least_share_that_moved(
    then: Histogram, now: Histogram, distance: float
) -> None:
    apart = shape_distance(_profile(histogram=then), _profile(histogram=now))
    assert apart == pytest.approx(distance)


def test_histograms_of_other_edges_are_not_compared() -> None:
    then, now = _profile(histogram=_histogram((1, 2, 3))), _profile(histogram=_histogram((1, 2)))
    assert shape_distance(then, now) is None


def _batch(batch_id: str, **given: object) -> Batch:
    values: dict[str, object] = {
        "source": "files",
        "entity": "ratings",
        "source_file": '"a.csv"',
        "landed_file": None,
        "sha256": None,
        "bytes": 1,
        "status": "loaded",
        "lines": 10,
        "header": 1,
        "blank": 0,
        "continuation": 0,
        "rejected": 2,
        "records": 7,
        "accepted": 4,
        "quarantined": 3,
        "deduplicated": 0,
        "superseded": 0,
    }
    return Batch(batch_id=batch_id, **(values | given))  # type: ignore[arg-type]


def test_fewer_quarantined_or_unreadable_in_the_same_batch_are_taken_back() -> None:
    then = [_batch("1"), _batch("2"), _batch("3", quarantined=None, accepted=None)]
    now = [
        _batch("1", quarantined=1, accepted=6),
        _batch("2", rejected=0, records=9, quarantined=5),  # more in quarantine is not taken back
        _batch("3", quarantined=0, accepted=7),  # was never judged
        _batch("4", quarantined=0),
    ]
    back = taken_back(now, then)
    assert [(b.batch_id, b.records, b.lines) for b in back.batches] == [("1", 2, 0), ("2", 0, 2)]
    assert (back.records, back.lines, back.files) == (2, 2, 0)


def test_failed_file_that_loads_under_its_name_is_taken_back() -> None:
    then = [_batch("1", status="failed"), _batch("2", status="failed", source_file='"b.csv"')]
    now = [*then, _batch("3")]
    assert taken_back(now, then).files == 1
    assert taken_back(then, then).files == 0


@pytest.mark.parametrize(
    ("given", "even"),
    [
        ({}, True),
        ({"lines": 11}, False),
        ({"accepted": 5}, False),
        ({"accepted": None, "quarantined": None}, True),
        ({"lines": None}, True),
    ],
)
def test_batch_balances_when_every_line_and_record_is_somewhere(
    given: dict[str, object], even: bool
) -> None:
    assert _batch("1", **given).balances is even
