"""`fill_down`: exports that name an order on the first of its lines, in CSV, JSON and Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.fill_down import filled
from ingestion.ingest import ingest
from ingestion.shop_file import read_shop
from ingestion.sources.files import FileSource
from onboarding.check import check
from recomart.errors import HeaderMismatch, ShopFileError

LINES = [
    ("#1", "a@x.example", "2026-01-01", "pot", "paid"),
    ("#1", None, None, "pan", None),
    ("#2", None, "2026-01-02", "pot", "open"),
    ("#2", "b@x.example", None, "lid", None),
    ("#1", None, None, "lid", None),
    (None, "c@x.example", "2026-01-03", "pan", "paid"),
    (None, None, None, "pot", None),
    ("NULL", "d@x.example", "2026-01-04", "pot", "paid"),
    ("NULL", None, "NULL", "pan", "paid"),
    ("#2", "NULL", "NULL", "pan", "paid"),
]
NAMES = ("name", "email", "created", "sku", "state")
SHOP = """
transactions:
  files: "in/*"
  format: {format}
  fill_down: {{columns: [email, created, state], within: name}}
  where: {{state: paid}}
  columns:
    order_id: name
    line_no: {{number_within: name}}
    user_id: email
    product_id: sku
    ordered_at: created
users:
  made_from: transactions
  columns: {{user_id: email}}
"""


def written(format: str, folder: Path) -> bytes:
    records = [dict(zip(NAMES, line, strict=True)) for line in LINES]
    if format == "csv":
        rows = [",".join(value or "" for value in line) for line in LINES]
        return "\n".join([",".join(NAMES), *rows]).encode()
    if format == "jsonl":
        return "\n".join(map(json.dumps, records)).encode()
    if format == "json":
        return json.dumps(records).encode()
    pq.write_table(pa.Table.from_pylist(records), folder / "p")
    return (folder / "p").read_bytes()


@pytest.mark.parametrize("format", ["csv", "jsonl", "json", "parquet"])
def test_the_values_of_an_order_are_on_each_of_its_lines(
    user_shop, format: str, tmp_path: Path
) -> None:
    user_shop.declare(SHOP.format(format=format))
    user_shop.write(f"a.{format}", written(format, tmp_path))
    found = [problem.render() for problem in check(user_shop.settings)]
    assert not [text for text in found if "error" in text]
    ingest(user_shop.settings)
    rows = user_shop.query(
        "select order_id, user_id, ordered_at, product_id, _record from raw.transactions order by _record"
    )
    assert rows == [
        ("#1", "a@x.example", "2026-01-01", "pot", 1),
        ("#1", "a@x.example", "2026-01-01", "pan", 2),
        ("#1", "a@x.example", "2026-01-01", "lid", 5),
        (None, "c@x.example", "2026-01-03", "pan", 6),
        (None, "d@x.example", "2026-01-04", "pot", 8),
        (None, None, None, "pan", 9),
        ("#2", "b@x.example", "2026-01-02", "pan", 10),
    ]
    [(records, left_out)] = user_shop.query(
        "select records, filtered from raw._loads where entity = 'transactions'"
    )
    assert (records, left_out) == (10, 3)
    users = user_shop.query("select user_id from raw.users order by user_id")
    assert [user[0] for (user,) in users] == ["a", "b", "c", "d"]


def test_the_first_file_fills_nothing_of_the_next(user_shop) -> None:
    user_shop.declare(SHOP.format(format="csv"))
    header = ",".join(NAMES)
    user_shop.write("a.csv", f"{header}\n#1,a@x.example,2026-01-01,pot,paid\n")
    user_shop.write("b.csv", f"{header}\n#1,,2026-01-01,pan,paid\n")
    ingest(user_shop.settings)
    assert user_shop.query("select user_id from raw.transactions order by _batch_id") == [
        ("a@x.example",), (None,),
    ]  # fmt: skip


def test_a_column_to_fill_that_the_file_lacks_is_an_error(user_shop) -> None:
    user_shop.declare(SHOP.format(format="csv").replace("created, state]", "created, statt]"))
    user_shop.write("a.csv", ",".join(NAMES) + "\n#1,a@x.example,2026-01-01,pot,paid\n")
    with pytest.raises(HeaderMismatch) as caught:
        ingest(user_shop.settings)
    assert 'has no column "statt" for fill_down' in str(caught.value)
    assert 'did you mean "state"?' in str(caught.value)


def test_a_column_is_not_filled_within_itself() -> None:
    text = SHOP.format(format="csv").replace("within: name", "within: [name, email]")
    with pytest.raises(ShopFileError, match="email cannot be filled within itself"):
        read_shop(f"title: x\n{text}", Path("x.yml"))


values = st.sampled_from([None, "a", "b", "c"])


@settings(deadline=None)
@given(st.lists(st.tuples(values, values, values, values), max_size=20))
def test_filling_is_a_walk_down_the_file(rows: list[tuple[str | None, ...]]) -> None:
    """The oracle walks down the records with a memory for each group."""
    source = FileSource.model_validate(
        {"files": "a", "columns": {}, "fill_down": {"columns": ["x", "y"], "within": ["k", "l"]}}
    )
    last: dict[tuple[str | None, ...], tuple[str | None, ...]] = {}
    wanted = []
    for k, m, x, y in rows:
        if k is not None and m is not None:
            before = last.get((k, m), (None, None))
            x, y = x or before[0], y or before[1]
            last[k, m] = x, y
        wanted.append((k, m, x, y))
    places = {"k": "c0", "l": "c1", "x": "c2", "y": "c3"}
    with duckdb.connect() as connection:
        connection.execute(
            "create table t (c0 varchar, c1 varchar, c2 varchar, c3 varchar, _record bigint)"
        )
        if rows:
            connection.executemany(
                "insert into t values (?, ?, ?, ?, ?)", [(*row, n) for n, row in enumerate(rows)]
            )
        query = f"select * exclude (_record) from {filled(source, places, 't')} order by _record"
        assert connection.execute(query).fetchall() == wanted
