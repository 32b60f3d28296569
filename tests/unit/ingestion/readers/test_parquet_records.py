"""Parquet as records: each value the text that a CSV would have held."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.readers.parquet_records import column_names, opened
from recomart.errors import SourceError, SourceMissing


def written(path: Path, values: list[Any], data_type: pa.DataType) -> Path:
    pq.write_table(pa.table({"a": pa.array(values, data_type)}), path)
    return path


def texts(path: Path, *reads: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        file = opened(connection, path, reads)
        columns = ", ".join(file.places[name] for name in reads)
        return connection.execute(
            f"select {columns} from {file.relation} order by _record"
        ).fetchall()


@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        (pa.int64(), 9223372036854775807, "9223372036854775807"),
        (pa.uint64(), 18446744073709551615, "18446744073709551615"),
        (pa.float64(), 0.1, "0.1"),
        (pa.float32(), 0.1, "0.1"),
        (pa.float64(), 1e308, "1e+308"),
        (pa.float64(), 123.0, "123"),
        (pa.float64(), float("nan"), "nan"),
        (pa.decimal128(9, 2), Decimal("1.50"), "1.50"),
        (pa.string(), " x ", " x "),
        (pa.string(), "", None),
        (pa.string(), "½ 🛒", "½ 🛒"),
        (pa.binary(), b"plain bytes", "plain bytes"),
        (pa.dictionary(pa.int32(), pa.string()), "red", "red"),
        (pa.bool_(), True, "true"),
        (pa.date32(), date(2017, 1, 31), "2017-01-31"),
        (pa.timestamp("us"), datetime(2017, 1, 31, 9, 30), "2017-01-31T09:30:00"),
        (pa.timestamp("ns"), datetime(2017, 1, 31, 9, 30), "2017-01-31T09:30:00"),
        (
            pa.timestamp("us", "Asia/Shanghai"),
            # in UTC: once pandas is loaded, pa.array takes the wall time of another zone as UTC
            datetime(2017, 1, 31, 1, 30, tzinfo=UTC),
            "2017-01-31T01:30:00Z",
        ),
        (pa.timestamp("us", "UTC"), datetime(2017, 1, 31, tzinfo=UTC), "2017-01-31T00:00:00Z"),
        (pa.list_(pa.string()), ["a", 'b"'], '["a","b\\""]'),
    ],
)
def test_a_value_is_its_text(
    tmp_path: Path, data_type: pa.DataType, value: object, text: str | None
) -> None:
    path = written(tmp_path / "a.parquet", [value, None], data_type)
    assert texts(path, "a") == [(text,), (None,)]


def test_a_path_reads_a_struct_and_a_dot_in_a_name_is_that_name(tmp_path: Path) -> None:
    table = pa.table({"meta": [{"at": {"day": 3}}, None], "b.c": ["x", "y"], 'q"': [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = texts(tmp_path / "a.parquet", "meta.at.day", "b.c", 'q"')
    assert found == [("3", "x", "1"), (None, "y", "2")]


def test_records_are_numbered_across_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(10))}), path, row_group_size=3)
    with duckdb.connect() as connection:
        file = opened(connection, path, ("a",))
        rows = connection.execute(f"select c0, _record from {file.relation}").fetchall()
    assert file.records == 10
    assert sorted(rows, key=lambda row: row[1]) == [(str(n), n + 1) for n in range(10)]


def test_a_folder_may_be_named_like_a_glob(tmp_path: Path) -> None:
    folder = tmp_path / "lake [1]*"
    folder.mkdir()
    assert texts(written(folder / "a.parquet", [1], pa.int64()), "a") == [("1",)]


def test_what_is_no_parquet_is_told_and_so_is_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(SourceError) as caught:
        column_names(tmp_path / "cut.parquet", "cut.parquet", "own.yml:3")
    assert (caught.value.code, caught.value.where) == ("no-parquet", "own.yml:3")
    (tmp_path / "none.parquet").touch()
    with pytest.raises(SourceMissing, match=r"none\.parquet is empty"):
        column_names(tmp_path / "none.parquet", "none.parquet", "own.yml:3")
