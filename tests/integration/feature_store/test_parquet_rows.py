"""Rows of Parquet files by number, against the same rows read in full by DuckDB and counted off."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from feature_store.offline import parquet_rows
from feature_store.offline.parquet_rows import NONE, NUMBER, ParquetRows

COLUMNS = ["a", "b", "c", "d", "e", "f", "g", "with space"]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def write(connection: duckdb.DuckDBPyConnection, file: Path, first: int, rows: int) -> None:
    """Columns of every kind that a feature may have; every fifth value is null."""
    values = {
        "a": "i / 7.0",
        "b": "'text ' || i",
        "c": "(i / 4)::decimal(18, 2)",
        "d": "[i, null, i + 1]",
        "e": "timestamp '2024-01-01' + to_seconds(i)",
        "f": "timestamptz '2024-01-01 00:00:00+00' + to_seconds(i)",
        "g": "i % 2 = 0",
        '"with space"': "(i % 200)::utinyint",
    }
    columns = ", ".join(
        f"case when (i + {shift}) % 5 <> 0 then {value} end as {name}"
        for shift, (name, value) in enumerate(values.items())
    )
    connection.execute(
        f"copy (select i as id, {columns} from range({first}, {first + rows}) as t(i))"
        f" to '{file}' (format parquet, row_group_size 2048)"
    )


def expected(connection: duckdb.DuckDBPyConnection, files: list[Path], numbers: list[int]) -> list:
    rows = []
    for file in files:
        rows += connection.execute(f"select * exclude (id) from '{file}'").fetchall()
    return [rows[number] if number != NONE else (None,) * len(COLUMNS) for number in numbers]


@pytest.mark.parametrize("span", [1, 5_000, 4_000_000])
def test_the_rows_are_those_that_stand_there_in_the_order_asked_for(
    tmp_path: Path,
    connection: duckdb.DuckDBPyConnection,
    span: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet_rows, "SPAN_ROWS", span)
    files = [tmp_path / f"{n}.parquet" for n in range(3)]
    for file, (first, rows) in zip(files, ((0, 9_000), (0, 0), (200, 50)), strict=True):
        write(connection, file, first, rows)
    rows = ParquetRows.of(connection, str(tmp_path / "*.parquet"))
    numbers = np.random.default_rng(0).integers(0, 9_050, 400)
    numbers[::10] = NONE

    taken = rows.take(connection, COLUMNS, numbers, threads=2)

    at_numbers = expected(connection, files, numbers.tolist())
    assert connection.execute("from taken").fetchall() == at_numbers
    as_duckdb = connection.execute(f"select * exclude (id) from '{files[0]}'").to_arrow_table()
    assert taken.schema.equals(as_duckdb.schema)
    assert numbers.max() >= 9_000


def test_numbers_told_to_a_query_are_those_that_take_knows(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write(connection, tmp_path / "1.parquet", 0, 3_000)
    write(connection, tmp_path / "2.parquet", 3_000, 3_000)
    rows = ParquetRows.of(connection, str(tmp_path / "*.parquet"))

    told = connection.execute(rows.numbered(["id"])).to_arrow_table()

    assert told[NUMBER].to_pylist() == told["id"].to_pylist()
    assert sorted(told["id"].to_pylist()) == list(range(6_000))


def test_without_any_row_all_is_null(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    write(connection, tmp_path / "empty.parquet", 0, 0)
    rows = ParquetRows.of(connection, str(tmp_path / "empty.parquet"))

    taken = rows.take(connection, COLUMNS, np.array([NONE, NONE]), threads=1)

    assert taken.to_pylist() == [dict.fromkeys(COLUMNS)] * 2
    assert rows.take(connection, [], np.array([NONE]), threads=1).num_columns == 0


def test_what_only_the_folders_name_is_refused(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    folder = tmp_path / "country=ch"
    folder.mkdir()
    write(connection, folder / "1.parquet", 0, 10)
    rows = ParquetRows.of(connection, str(tmp_path / "*" / "*.parquet"))

    with pytest.raises(ValueError, match=r"1\.parquet has no column 'country'"):
        rows.take(connection, ["country"], np.array([0]), threads=1)


def test_a_path_without_files_says_so(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.IOException, match=r"nothing\.parquet"):
        ParquetRows.of(connection, str(tmp_path / "nothing.parquet"))
