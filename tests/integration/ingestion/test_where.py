"""`where` in the shop file: which records of a source count, for every kind of source."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from ingestion.ingest import ingest
from ingestion.mapping import is_taken
from ingestion.sources.files import FileSource
from onboarding.times import calculator
from tests.integration.ingestion.conftest import UserShop

ROWS = [
    {"who": "u1", "what": "p1", "at": "2024-01-01", "status": "delivered", "till": "1"},
    {"who": "u1", "what": "p2", "at": "2024-01-02", "status": "canceled", "till": "1"},
    {"who": "u2", "what": "p1", "at": "2024-01-03", "status": "shipped", "till": "2"},
    {"who": "u2", "what": "p2", "at": "2024-01-04", "status": None, "till": "2"},
]
COLUMNS = """
  columns: {order_id: at, line_no: what, user_id: who, product_id: what, ordered_at: at}
  ignore: [till]
"""
TAKEN = {
    "status: delivered": [1],
    "status: [delivered, shipped]": [1, 3],
    "status: [delivered, null]": [1, 4],
    "status: {not: canceled}": [1, 3, 4],
    "status: {not: [canceled, null]}": [1, 3],
    "status: {not: null}": [1, 2, 3],
    'status: [delivered, shipped], what: p1, till: "1"': [1],
}


def _files(shop: UserShop, keys: str = "") -> str:
    return f'transactions:\n  files: "in/*"\n{keys}' + COLUMNS


def _csv(shop: UserShop, server: HTTPServer) -> str:
    lines = [",".join(ROWS[0]), *(",".join(v or "" for v in row.values()) for row in ROWS)]
    shop.write("a.csv", "\n".join(lines) + "\n")
    return _files(shop)


def _jsonl(shop: UserShop, server: HTTPServer) -> str:
    shop.write("a.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS))
    return _files(shop, "  format: jsonl\n")


def _parquet(shop: UserShop, server: HTTPServer) -> str:
    pq.write_table(pa.Table.from_pylist(ROWS), shop.write("a.parquet", ""))
    return _files(shop, "  format: parquet\n")


def _api(shop: UserShop, server: HTTPServer) -> str:
    server.expect_request("/p").respond_with_json({"items": ROWS, "total": len(ROWS)})
    url = server.url_for("/p")
    return f'transactions:\n  api: "{url}"\n' + COLUMNS.replace("  ignore: [till]\n", "")


KINDS = pytest.mark.parametrize("kind", [_csv, _jsonl, _parquet, _api])
Declares = Callable[[UserShop, HTTPServer], str]


@KINDS
def test_what_the_filter_leaves_out_is_counted_and_not_loaded(
    user_shop: UserShop, httpserver: HTTPServer, kind: Declares
) -> None:
    text = kind(user_shop, httpserver)
    for where, taken in TAKEN.items():
        user_shop.declare(f"{text}  where: {{{where}}}\n")
        summary = ingest(user_shop.settings)
        assert summary.filtered == 4 - len(taken)
        found = user_shop.query("select _record from raw.transactions order by 1")
        assert [record for (record,) in found] == taken, where
        ledger = "select records, filtered, lines - header from raw._loads"
        assert user_shop.query(ledger) == [(4, 4 - len(taken), 4)]


@KINDS
def test_a_filter_on_a_column_that_is_not_there_is_an_error_and_loads_nothing(
    user_shop: UserShop, httpserver: HTTPServer, kind: Declares, error_of
) -> None:
    text = kind(user_shop, httpserver).replace("[till]", "[till, status]")
    user_shop.declare(text + "  where: {stats: delivered}\n")
    error = error_of(ingest, user_shop.settings)
    assert "error[missing-column]" in error
    assert 'has no column "stats" for where' in error
    assert "transactions.where.stats: 'delivered'" in error
    assert 'set the column in where: "status"' in error
    assert user_shop.query("select * from raw.transactions") == []


def test_a_file_without_a_header_is_filtered_by_its_fields(user_shop: UserShop) -> None:
    user_shop.write("a.csv", "u1,p1,2024-01-01,delivered\nu1,p2,2024-01-01,canceled\n")
    fields = "  header: false\n  fields: [who, what, at, status]\n"
    user_shop.declare(
        _files(user_shop, fields).replace("  ignore: [till]\n", "")
        + "  where: {status: delivered}\n"
    )
    ingest(user_shop.settings)
    assert user_shop.query("select product_id from raw.transactions") == [("p1",)]


def test_each_entity_made_from_the_bytes_has_a_filter_of_its_own(
    user_shop: UserShop, httpserver: HTTPServer
) -> None:
    made = """
ratings:
  made_from: transactions
  where: {status: canceled}
  columns: {user_id: who, product_id: what, rating: till, rated_at: at}
users:
  made_from: transactions
  where: {till: "2"}
  columns: {user_id: who}
products:
  made_from: transactions
  columns: {product_id: what}
"""
    text = _csv(user_shop, httpserver).replace("  ignore: [till]\n", "")
    user_shop.declare(f"{text}  where: {{status: delivered}}\n{made}")
    ingest(user_shop.settings)
    counts = "select entity, lines, records, filtered from raw._loads order by batch_id"
    assert user_shop.query(counts) == [
        ("transactions", 5, 4, 3),
        ("users", 1, 1, 0),
        ("products", 2, 2, None),
        ("ratings", 5, 4, 3),
    ]
    origins = "select origin_record from raw._list_origins where entity = 'users' order by 1"
    assert user_shop.query(origins) == [(3,), (4,)]
    assert user_shop.query("select user_id, rating from raw.ratings") == [("u1", "1")]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{status: 3}", "put numbers, true and false in quotes"),
        ("{status: []}", "names no text"),
        ("{status: {nto: x}}", 'did you mean "not"?'),
        ("{status: [true]}", "put numbers, true and false in quotes"),
        ("delivered", "expected a mapping of keys"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_an_error_of_the_shop_file(
    user_shop: UserShop, error_of, where: str, message: str
) -> None:
    user_shop.declare(_files(user_shop) + f"  where: {where}\n")
    error = error_of(ingest, user_shop.settings)
    assert message in error
    assert "transactions.where" in error


def test_the_stream_takes_every_event(user_shop: UserShop, error_of) -> None:
    user_shop.declare("events: {stream: {}, where: {event_type: view}}\n")
    assert "where" in error_of(ingest, user_shop.settings)


texts = st.sampled_from(["a", "b", "it's", "", None])
wanted = st.lists(texts, min_size=1, max_size=3)


@given(rows=st.lists(st.tuples(texts, texts), max_size=8), x=wanted, y=wanted, but=st.booleans())
def test_a_record_is_taken_if_it_has_one_of_the_texts_in_each_column(
    rows: list[tuple[str | None, str | None]], x: list[str | None], y: list[str | None], but: bool
) -> None:
    source = FileSource.model_validate(
        {"files": "a", "columns": {}, "where": {"x": x, "y": {"not": y} if but else y}}
    )
    connection = calculator()
    connection.register(
        "found",
        pa.table(
            {"x": [r[0] for r in rows], "y": [r[1] for r in rows]},
            schema=pa.schema([("x", pa.string()), ("y", pa.string())]),
        ),
    )
    condition = is_taken(source, {"x": "x", "y": "y"})
    taken = connection.execute(f"select {condition} from found").fetchall()
    missing = {None, ""}

    def has(text: str | None, listed: list[str | None]) -> bool:
        return text in listed or (text in missing and bool(missing & set(listed)))

    assert [flag for (flag,) in taken] == [has(a, x) and has(b, y) != but for a, b in rows]
