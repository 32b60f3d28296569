"""Tables and queries of real PostgreSQL and MariaDB servers: exact, only what is new, and what fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.database_servers import (
    ESCAPED,
    PASSWORD,
    NoServer,
    Server,
    mariadb,
    postgres,
)
from ingestion.ingest import ingest
from ingestion.shop_file import load_shop
from ingestion.sources import _database, _mysql, _postgres
from onboarding.check import check
from recomart.errors import DatabaseError, ShopFileError

RATINGS = """
ratings:
  database: {{env: SHOP_DATABASE_URL}}
  {rows}
  columns: {{user_id: who, product_id: item, rating: stars, rated_at: at}}
"""
IDS = "select user_id from raw.ratings order by _batch_id, user_id"
SERVERS: dict[str, Callable[[], Any]] = {"postgres": postgres, "mariadb": mariadb}
CONNECTIONS: dict[str, Any] = {
    "postgresql": _postgres.PostgresConnection,
    "mysql": _mysql.MysqlConnection,
}


@pytest.fixture(scope="module", params=SERVERS)
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(SERVERS[request.param]())
        except NoServer as exc:
            pytest.skip(str(exc))
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with a table of three ratings; the last is as new as the second."""
    monkeypatch.setenv("SHOP_DATABASE_URL", running.url)
    running.execute(
        "drop table if exists ratings",
        "create table ratings (who varchar(20), item varchar(20), stars numeric(3, 1),"
        " at timestamp(6) null, changed bigint)",
        "insert into ratings values ('u1', 'p1', 4.5, '2026-01-01 10:00:00', 9007199254740991),"
        " ('u2', 'p1', 5, '2026-01-02 10:00:00.000001', 9007199254740993),"
        " ('u3', 'p1', 1, '2026-01-02 10:00:00.000001', 9007199254740993)",
    )
    return running


def declare(shop: Any, rows: str = "table: ratings\n  ignore: [changed]") -> None:
    shop.declare(RATINGS.format(rows=rows))


def landed_rows(shop: Any) -> list[dict[str, str | None]]:
    """The rows of the only landed file."""
    (name,) = shop.landed()
    rows: list[dict[str, str | None]] = pq.read_table(shop.settings.lake / name).to_pylist()
    return rows


def test_a_table_is_loaded_once_with_its_rows_in_the_ledger(user_shop: Any, server: Server) -> None:
    declare(user_shop)
    ingest(user_shop.settings)

    scheme = server.scheme
    assert user_shop.query("select user_id, rating, product_id from raw.ratings order by 1") == [
        ("u1", "4.5", "p1"), ("u2", "5.0", "p1"), ("u3", "1.0", "p1")
    ]  # fmt: skip
    assert user_shop.query("select source, source_file, lines, records from raw._loads") == [
        ("database", f"{scheme}:shop/ratings", 3, 3)
    ]
    assert [Path(name).name for name in user_shop.landed()] == ["00000001.parquet"]
    assert ingest(user_shop.settings).loaded == ()
    assert len(user_shop.landed()) == 1


def test_a_query_takes_the_place_of_a_table(user_shop: Any, server: Server) -> None:
    declare(
        user_shop,
        "query: |\n    select who, item, stars, at from ratings -- of all shops\n"
        "    where stars > 2;",
    )
    ingest(user_shop.settings)
    assert user_shop.query(IDS) == [("u1",), ("u2",)]


def test_a_cursor_reads_what_is_new_and_what_is_as_new_as_the_newest(
    user_shop: Any, server: Server
) -> None:
    """The cursor has integers that no float can tell apart."""
    declare(user_shop, "table: ratings\n  cursor: changed\n  ignore: [changed]")
    ingest(user_shop.settings)
    assert ingest(user_shop.settings).loaded == ()
    server.execute(
        "insert into ratings values ('u4', 'p1', 2, '2025-01-01 10:00:00', 9007199254740993),"
        " ('u5', 'p1', 2, '2026-01-03 10:00:00', 9007199254740992),"  # older than the newest: too late
        " ('u6', 'p1', 2, '2026-01-03 10:00:00', 9007199254740994),"
        " ('u7', 'p1', 2, '2026-01-03 10:00:00', null)"
    )
    (loaded,) = ingest(user_shop.settings).loaded

    # u2 and u3 are as new as the newest was, and come again; a row without a value always comes
    assert loaded.records == 5
    assert user_shop.query(
        "select user_id from raw.ratings where _batch_id = '00000002' order by 1"
    ) == [("u2",), ("u3",), ("u4",), ("u6",), ("u7",)]
    assert ingest(user_shop.settings).loaded == ()

    declare(user_shop, "table: ratings\n  cursor: changed\n  lookback: 2\n  ignore: [changed]")
    (loaded,) = ingest(user_shop.settings).loaded
    assert ("u5",) in user_shop.query(IDS), "it is within the lookback of 2"
    assert loaded.records == 6


def test_a_cursor_of_times_goes_to_the_microsecond_and_looks_back(
    user_shop: Any, server: Server
) -> None:
    declare(user_shop, "table: ratings\n  cursor: at\n  ignore: [changed]")
    ingest(user_shop.settings)
    server.execute(
        "insert into ratings values ('u4', 'p1', 2, '2026-01-02 10:00:00', 1),"
        " ('u5', 'p1', 2, '2026-01-02 10:00:00.000002', 1)"
    )
    (loaded,) = ingest(user_shop.settings).loaded
    assert loaded.records == 3
    declare(user_shop, "table: ratings\n  cursor: at\n  lookback: 1 second\n  ignore: [changed]")
    ingest(user_shop.settings)
    assert user_shop.query("select count(distinct user_id) from raw.ratings") == [(5,)]

    server.execute("drop table ratings", "create table ratings (who varchar(9), item varchar(9),"
                   " stars int, at timestamp(6) null, changed bigint)")  # fmt: skip
    assert ingest(user_shop.settings).loaded == ()


def test_another_table_or_cursor_is_read_from_the_beginning(user_shop: Any, server: Server) -> None:
    declare(user_shop, "table: ratings\n  cursor: changed\n  ignore: [changed]")
    ingest(user_shop.settings)
    server.execute("insert into ratings values ('u4', 'p1', 2, '2026-01-02 10:00:00', 1)")
    declare(user_shop, "table: ratings\n  cursor: at\n  ignore: [changed]")
    (loaded,) = ingest(user_shop.settings).loaded
    assert loaded.records == 4


def test_a_read_is_of_one_snapshot(
    user_shop: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another session commits meanwhile is in the next read, and moves no cursor past it."""
    connection = CONNECTIONS[server.scheme]
    real = connection.batches

    def disturbed(*arguments: Any) -> Iterator[Any]:
        server.execute(
            "insert into ratings values ('u8', 'p1', 2, '2026-01-03 10:00:00', 9007199254740999)",
            "update ratings set who = 'u9' where who = 'u1'",
        )
        yield from real(*arguments)

    declare(user_shop, "table: ratings\n  cursor: changed\n  ignore: [changed]")
    monkeypatch.setattr(connection, "batches", disturbed)
    ingest(user_shop.settings)
    assert user_shop.query(IDS) == [("u1",), ("u2",), ("u3",)]
    monkeypatch.undo()
    monkeypatch.setenv("SHOP_DATABASE_URL", server.url)
    ingest(user_shop.settings)
    assert ("u8",) in user_shop.query(IDS)


def test_values_land_as_the_server_writes_them(user_shop: Any, server: Server) -> None:
    own = {
        "postgresql": (
            "big bigint, price numeric(20, 10), whole numeric, flag boolean, zoned timestamptz,"
            " local timestamp, day date, doc jsonb, words text, tags text[], real8 double precision,"
            " photo bytea",
            "9223372036854775807, 1.5000000000, 12345678901234567890123456789.01, true,"
            " '2026-07-01 12:00:00.123456+02', '2026-07-01 12:00:00.5', '2026-07-01',"
            " '{\"a\": 1.10}', E'a,\"b\"\\nü😀\\\\N', '{a,b}', 0.1, '\\x00ff'",
            {
                "big": "9223372036854775807",
                "price": "1.5000000000",
                "whole": "12345678901234567890123456789.01",
                "flag": "true",
                "zoned": "2026-07-01 10:00:00.123456+00:00",
                "local": "2026-07-01 12:00:00.5",
                "day": "2026-07-01",
                "doc": '{"a": 1.10}',
                "words": 'a,"b"\nü😀\\N',
                "tags": "{a,b}",
                "real8": "0.1",
            },
        ),
        "mysql": (
            "big bigint unsigned, price decimal(20, 10), flag tinyint(1), bits bit(3),"
            " zoned timestamp(6) null, local datetime(6), zero datetime, zerostamp timestamp null,"
            " day date, doc json, words text character set utf8mb4, latin varchar(9) character set"
            " latin1, photo blob",
            "18446744073709551615, 1.5, 1, b'101', '2026-07-01 10:00:00.123456',"
            " '2026-07-01 12:00:00.5', '0000-00-00 00:00:00', 0, '2026-07-01', '{\"a\": 1.10}',"
            " 'a,\"b\"\\nü😀\\\\N', 'é', x'00ff'",
            {
                "big": "18446744073709551615",
                "price": "1.5000000000",
                "flag": "1",
                "bits": "5",
                "zoned": "2026-07-01 10:00:00.123456+00:00",
                "local": "2026-07-01 12:00:00.500000",
                "zero": "0000-00-00 00:00:00",
                "zerostamp": "0000-00-00 00:00:00",
                "day": "2026-07-01",
                "doc": '{"a": 1.10}',
                "words": 'a,"b"\nü😀\\N',
                "latin": "é",
            },
        ),
    }
    columns, values, expected = own[server.scheme]
    count = len(expected) + 1
    server.execute(
        "set time_zone = '+00:00'" if server.scheme == "mysql" else "set time zone 'UTC'",
        "drop table if exists kinds",
        f"create table kinds (who varchar(20), empty varchar(20), {columns})",
        f"insert into kinds values ('u1', '', {values})",
        f"insert into kinds values ('u2', null, {', '.join(['null'] * count)})",
    )
    names = ", ".join(["empty", *expected, "photo"])
    user_shop.declare(
        "events: {database: {env: SHOP_DATABASE_URL}, table: kinds, columns: {event_id: who,"
        " event_type: {value: view}, user_id: who, occurred_at: {value: 2026-01-01}},"
        f" ignore: [{names}]}}"
    )
    ingest(user_shop.settings)

    assert landed_rows(user_shop) == [
        {"who": "u1", "empty": "", **expected},
        {"who": "u2", "empty": None, **dict.fromkeys(expected)},
    ]


def test_a_cursor_does_not_go_with_rows_that_are_counted_within_a_read(user_shop: Any) -> None:
    columns = "user_id: who, product_id: sku, ordered_at: at"
    for line_no, repeats in (
        ("line", "repeats: add_up"),
        ("{number_within: basket}", "ignore: []"),
    ):
        user_shop.declare(
            "transactions:\n  database: {env: SHOP_DATABASE_URL}\n  table: lines\n  cursor: at\n"
            f"  {repeats}\n  columns: {{order_id: basket, line_no: {line_no}, {columns}}}"
        )
        with pytest.raises(ShopFileError, match="counts rows within one read"):
            load_shop(user_shop.settings)


def test_an_empty_table_is_loaded_with_no_rows(user_shop: Any, server: Server) -> None:
    server.execute("delete from ratings")
    declare(user_shop)
    ingest(user_shop.settings)
    assert user_shop.query("select records, status from raw._loads") == [(0, "loaded")]


def test_rows_of_many_batches_all_arrive(
    user_shop: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mysql, "FETCH_ROWS", 70)
    monkeypatch.setattr(_postgres, "BLOCK_BYTES", 4_000)
    many = ", ".join(f"('v{n}', 'p{n}', 3, '2026-01-01', {n})" for n in range(2_000))
    server.execute(f"insert into ratings values {many}")
    declare(user_shop)
    ingest(user_shop.settings)
    assert user_shop.query("select count(*), count(distinct user_id) from raw.ratings") == [
        (2_003, 2_003)
    ]


def error_of(shop: Any) -> DatabaseError:
    """The error of the database, next to which another source is loaded."""
    shop.write("users.csv", "user\nu1\n")
    text = (shop.folder / "own.yml").read_text()
    text += '\nusers: {files: "in/users.csv", columns: {user_id: user}}\n'
    (shop.folder / "own.yml").write_text(text)
    with pytest.raises(DatabaseError) as caught:
        ingest(shop.settings)
    assert shop.query("select user_id from raw.users") == [("u1",)]
    assert shop.query("select count(*) from raw.ratings") == [(0,)]
    assert not [name for name in shop.landed() if "/ratings/" in name]
    for secret in (PASSWORD, ESCAPED):
        assert secret not in str(caught.value)
        assert secret.encode() not in shop.settings.warehouse.read_bytes()
    return caught.value


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: s.url.replace(str(s.port), "9"), "down"),
        (lambda s: s.url.replace("s3cr3t", "wrong"), "refused"),
        (lambda s: s.url.replace("/shop", "/shup").replace("//shup", "//shop"), "no-database"),
        (lambda s: "", "missing-database-url"),
        (lambda s: "oracle://u:p@h/d", "wrong-database-url"),
        (lambda s: "shop", "wrong-database-url"),
    ],
    ids=["down", "password", "database", "unset", "dialect", "no url"],
)
def test_a_database_that_cannot_be_reached_is_an_error_of_its_source(
    user_shop: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Server], str],
    code: str,
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", change(server))
    declare(user_shop)
    error = error_of(user_shop)
    expected = {code, "refused"} if (server.scheme, code) == ("mysql", "no-database") else {code}
    assert error.code in expected, error  # MariaDB tells a user nothing of other databases
    assert "ratings.database" in (error.where or "")
    assert "SHOP_DATABASE_URL" in f"{error.found} {error.help}"


@pytest.mark.parametrize(
    ("rows", "code", "told"),
    [
        ("table: rating", "no-table", 'did you mean "ratings"'),
        ("table: ratings\n  cursor: chnged", "no-column", 'did you mean "changed"'),
        ("query: select nothing from ratings", "no-column", "nothing"),
        ("query: selec", "database-error", "selec"),
        ("table: secrets", "refused", "SHOP_DATABASE_URL"),
        ("table: photos\n  cursor: at", "bytes-column", "ignore: [photo]"),
    ],
)
def test_what_the_database_lacks_or_refuses_is_named(
    user_shop: Any, server: Server, rows: str, code: str, told: str
) -> None:
    binary = "bytea" if server.scheme == "postgresql" else "blob"
    server.execute("drop table if exists photos", f"create table photos (at date, photo {binary})")
    if server.scheme == "postgresql":
        server.execute("drop table if exists secrets", "create table secrets (a int)",
                       "revoke all on secrets from shop")  # fmt: skip
    else:
        server.execute("create database if not exists hidden")
        rows = rows.replace("secrets", "hidden.secrets")
    declare(user_shop, rows)
    error = error_of(user_shop)
    assert error.code == code, error
    assert told in str(error)


def test_a_connection_that_breaks_off_halfway_loads_nothing(
    user_shop: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mysql, "FETCH_ROWS", 100)
    monkeypatch.setattr(_postgres, "BLOCK_BYTES", 10_000)
    text = "x" * 1_000
    series = "generate_series(1, 60000)" if server.scheme == "postgresql" else "seq_1_to_60000"
    server.execute(
        "drop table if exists ratings",
        "create table ratings (who varchar(20), item varchar(2000), stars int, at date,"
        " changed int)",
        f"insert into ratings select 'u', '{text}', 1, null, 1 from {series}",
    )
    read = _database.TableRead.parquet

    def interrupted(*arguments: Any, **options: Any) -> Iterator[bytes]:
        for number, piece in enumerate(read(*arguments, **options)):
            yield piece
            if number == 1:
                server.end_session()

    monkeypatch.setattr(_database.TableRead, "parquet", interrupted)
    declare(user_shop)
    error = error_of(user_shop)
    assert error.code == "down", error
    assert "broke off" in error.message


def test_without_its_driver_the_extra_is_named(
    user_shop: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_database, "find_spec", lambda name: None)
    declare(user_shop)
    error = error_of(user_shop)
    extra = {"postgresql": "postgres", "mysql": "mysql"}[server.scheme]
    assert f"pip install 'recomart[{extra}]'" in (error.help or "")


def test_the_check_looks_at_the_first_rows(user_shop: Any, server: Server) -> None:
    user_shop.declare(RATINGS.format(rows="table: ratings").replace("stars", "points"))
    problems = [str(problem) for problem in check(user_shop.settings)]
    assert any('"stars"' in problem or "stars" in problem for problem in problems), problems
    assert user_shop.settings.lake.exists() is False or not user_shop.landed()
