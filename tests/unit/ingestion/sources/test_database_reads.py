"""What is asked of a database, and what a shop file may say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.declaration import declarations
from ingestion.shop_file import load_shop
from ingestion.sources._connection import ColumnOfTable, text_batches
from ingestion.sources._database import TableRead
from ingestion.sources._mysql import Mysql, MysqlConnection, _written
from ingestion.sources._postgres import Postgres
from recomart.errors import DatabaseError, ShopFileError
from recomart.settings import load_settings

URL = "postgresql://shop:s3cr3t@db.example:5432/sales"


def declared(folder: Path, keys: str) -> Any:
    (folder / "own.yml").write_text(
        "title: Own\nratings:\n  database: {env: SHOP_DATABASE_URL}\n"
        f"  {keys}\n  columns: {{user_id: u, product_id: p, rating: r, rated_at: t}}\n"
    )
    settings = load_settings(shop=str(folder / "own.yml"), lake=folder / "lake")
    return declarations(settings, load_shop(settings))["ratings"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("strict: true", "either a table or a query"),
        ("{table: a, query: select 1}", "either a table or a query"),
        ("{table: a, lookback: 1 hour}", "lookback goes with cursor"),
        ("{table: a, cursor: t, lookback: soon}", "a number, or a period"),
        ("{table: a, cursor: t, lookback: -1}", "a number from 0 on"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(tmp_path: Path, keys: str, message: str) -> None:
    flat = "\n  ".join(keys.strip("{}").split(", "))
    with pytest.raises(ShopFileError, match=message):
        declared(tmp_path, flat)


@pytest.mark.parametrize(
    ("lookback", "seconds"), [("2 hours", 7200), ("1 day", 86400), ("5", None), ("90 seconds", 90)]
)
def test_a_lookback_is_a_period_or_a_number(
    tmp_path: Path, lookback: str, seconds: int | None
) -> None:
    source = declared(tmp_path, f"table: a\n  cursor: t\n  lookback: {lookback}").source
    assert source.lookback_seconds == seconds


def test_a_read_goes_on_from_its_position_and_its_name_has_no_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", URL)
    one = declared(tmp_path, "table: lines\n  cursor: changed")
    read = TableRead.of(one, None)
    assert (read.name, read.since, read.position) == ("postgresql:sales/lines", None, None)
    read._newest = "12"
    assert TableRead.of(one, read.position).since == "12"
    assert set(json.loads(read.position or "{}")) == {"asked", "newest"}
    assert "s3cr3t" not in (read.position or "")

    other = declared(tmp_path, "table: lines\n  cursor: id")
    assert TableRead.of(other, read.position).since is None, "another cursor"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "missing-database-url"),
        ("oracle://u:s3cr3t@h/d", "wrong-database-url"),
        ("postgresql://u:s3cr3t@h", "wrong-database-url"),
        ("mysql://u:s3cr3t@h:port/d", "wrong-database-url"),
    ],
)
def test_what_is_no_url_of_a_database_is_an_error_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, code: str
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", url)
    with pytest.raises(DatabaseError) as caught:
        TableRead.of(declared(tmp_path, "table: lines"), None)
    assert caught.value.code == code
    assert "s3cr3t" not in str(caught.value)


def test_mysql_texts_get_the_zone_of_instants_and_the_number_of_bits() -> None:
    rows = [
        ("a", "2026-01-01 10:00:00", b"\x05"),
        ("b", None, None),
        ("c", "0000-00-00 00:00:00", b"\0"),
    ]
    assert _written(rows, [1], [2]) == [
        ["a", "2026-01-01 10:00:00+00:00", "5"],
        ["b", None, None],
        ["c", "0000-00-00 00:00:00", "0"],
    ]


def test_mysql_numbers_are_compared_as_numbers() -> None:
    connection = MysqlConnection(None)
    number = ColumnOfTable("id", is_number=True)
    assert connection.literal("9007199254740993", number) == "9007199254740993"
    with pytest.raises(ValueError, match="could not convert"):
        connection.literal("1 or 1", number)
    assert connection.quoted("a`b") == "`a``b`"
    assert connection.before("'2026-01-01'", 60) == "'2026-01-01' - interval 60 second"


def test_rows_become_batches_until_there_are_no_more() -> None:
    rows = iter([[("a", None), ("b", "2")], [("c", "3")], []])
    batches = list(text_batches(lambda: next(rows), [ColumnOfTable("x"), ColumnOfTable("y")]))
    assert [batch.to_pylist() for batch in batches] == [
        [{"x": "a", "y": None}, {"x": "b", "y": "2"}],
        [{"x": "c", "y": "3"}],
    ]


def test_errors_of_drivers_have_a_meaning() -> None:
    import psycopg
    import pymysql

    assert Mysql().code_of(pymysql.err.OperationalError(1045, "Access denied")) == "refused"
    assert Mysql().code_of(pymysql.err.OperationalError(2013, "Lost connection")) == "down"
    assert Mysql().code_of(ConnectionResetError()) == "down"
    assert Mysql().code_of(pymysql.err.ProgrammingError(1064, "syntax")) is None
    assert Postgres().code_of(psycopg.errors.UndefinedTable()) == "no-table"
    assert Postgres().code_of(psycopg.errors.AdminShutdown()) == "down"
    assert Postgres().code_of(psycopg.errors.SyntaxError()) is None
    refused = psycopg.OperationalError('FATAL: password authentication failed for user "x"')
    assert Postgres().code_of(refused) == "refused"
    assert Postgres().code_of(psycopg.OperationalError("connection refused")) == "down"
