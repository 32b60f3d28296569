"""Column profiles, of a table made by hand."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from quality.report import profiles
from quality.report.profiles import ColumnProfile
from quality.report.tables import Tables
from recomart.step import no_progress

COLUMNS = "user_id, product_id, rating, rated_at"


@pytest.fixture
def tables() -> Iterator[Tables]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create schema raw; create table raw._shop (entity varchar, key varchar, value varchar);"
            "create table raw.ratings (user_id varchar, product_id varchar, rating varchar,"
            " rated_at varchar, _batch_id varchar, _record bigint)"
        )
        connection.execute(
            """
            insert into raw.ratings values
                ('u1', 'p1', '1',    '1970-01-01T00:01:00Z',      '1', 1),
                ('u2', 'p1', '3',    '1970-01-01T01:02:00+01:00', '1', 2),
                ('u3', 'p1', '5',    '1970-01-01 00:03:00',       '1', 3),
                ('u3', null, 'nan',  'yesterday',                 '2', 1),
                ('u3', '  ', 'five', null,                        '2', 2)
            """
        )
        yield Tables(connection)


def _by_column(
    tables: Tables, earlier: tuple[ColumnProfile, ...] = (), known: str = ""
) -> dict[str, ColumnProfile]:
    found = profiles.read_profiles(tables, earlier, known, no_progress)
    return {profile.column: profile for profile in found}


def test_missing_unreadable_distinct_and_range_are_counted(tables: Tables) -> None:
    found = _by_column(tables)
    assert {
        name: (p.rows, p.missing, p.unreadable, p.distinct, p.low, p.high)
        for name, p in found.items()
    } == {
        "user_id": (5, 0, 0, 3, None, None),
        "product_id": (5, 2, 0, 1, None, None),
        "rating": (5, 0, 2, 5, 1.0, 5.0),  # nan and five are no numbers
        "rated_at": (5, 1, 1, 4, 60.0, 180.0),  # seconds since 1970, offsets applied
    }


def test_rows_that_are_new_are_counted_apart(tables: Tables) -> None:
    found = _by_column(tables, known="1")
    assert (found["product_id"].new_rows, found["product_id"].new_missing) == (2, 2)
    assert (found["rating"].new_missing, found["rating"].new_unreadable) == (0, 2)


def test_scale_has_a_bin_for_each_of_its_steps(tables: Tables) -> None:
    histogram = _by_column(tables)["rating"].histogram
    assert histogram is not None
    assert histogram.is_scale
    assert (histogram.edges, histogram.counts) == ((0.0, 2.0, 4.0, 6.0), (1, 1, 1))


def test_edges_of_the_last_run_are_kept_while_values_fit(tables: Tables) -> None:
    first = _by_column(tables)
    tables.connection.execute("update raw.ratings set rating = '3' where rating = '5'")
    second = _by_column(tables, tuple(first.values()))["rating"].histogram
    assert second is not None
    assert (second.edges, second.counts) == ((0.0, 2.0, 4.0, 6.0), (1, 2, 0))
    tables.connection.execute("update raw.ratings set rating = '90' where rating = '3'")
    third = _by_column(tables, tuple(first.values()))["rating"].histogram
    assert third is not None
    assert third.edges[-1] > 90


def test_large_table_is_sampled_the_same_each_time(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.connection.execute(
        "insert into raw.ratings select 'u' || i, 'p', (i % 5 + 1)::varchar,"
        " '2026-03-31T00:00:00Z', '3', i from range(20000) as rows (i)"
    )
    monkeypatch.setattr(profiles, "SAMPLED_ABOVE", 2000)
    first, second = _by_column(tables), _by_column(tables)
    assert first == second
    histogram = first["rating"].histogram
    assert histogram is not None
    assert histogram.sampled_from == 20_005
    assert 1500 < sum(histogram.counts) < 2500  # one in eleven of 20,005
    assert first["rating"].rows == 20_005
