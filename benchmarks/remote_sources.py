"""How fast order lines come from PostgreSQL, MariaDB and S3, next to reading them bare.

    python -m benchmarks.remote_sources --rows 1000000

Real servers on loopback have the same order lines: PostgreSQL and MariaDB as Debian has them, S3 as moto
plays it, with one Parquet file. For each, `ingest` (fetch, landing, load, ledger; contracts timed apart)
takes turns with the bare way, which throws away what it reads or keeps no account: COPY to a client,
MariaDB's own command-line client, and a download with DuckDB's read_parquet into a table. Then a
thousand lines are added, and the second ingest reads only these. Each ingest is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.database_servers import PASSWORD, Server, mariadb, postgres
from benchmarks.results import write_result
from recomart.settings import PROJECT_ROOT, Settings, load_settings

ADDED = 1_000
BUCKET = "order-lines"
COLUMNS = """\
  columns: {order_id: order_id, line_no: line_no, user_id: user_id, product_id: product_id,
            quantity: quantity, unit_price: unit_price, ordered_at: ordered_at}
  ignore: [updated_at]
"""
FROM_DATABASE = "  database: {env: SHOP_DATABASE_URL}\n  table: order_lines\n  cursor: updated_at\n"
FROM_S3 = f"  files: s3://{BUCKET}/*.parquet\n  format: parquet\n"


@dataclass(frozen=True)
class Contender:
    """A source of order lines.

    Args:
        source: what the shop file says of it.
        environment: what an ingest needs.
        bare: reads all lines without an account.
        add: adds lines with these numbers.
    """

    name: str
    source: str
    environment: dict[str, str]
    bare: Callable[[], None]
    add: Callable[[int, int], None]


def lines_of_duckdb(first: int, last: int) -> str:
    """SQL of order lines: the same numbers give the same lines in all three."""
    return (
        "select (1000000 + n // 3)::bigint as order_id, (n % 3 + 1)::int as line_no,"
        " 'u' || lpad((n * 7919 % 50000)::text, 6, '0') as user_id,"
        " 'p' || lpad((n * 104729 % 5000)::text, 5, '0') as product_id,"
        " (n % 4 + 1)::int as quantity, ((n * 31 % 10000) / 100)::decimal(10, 2) as unit_price,"
        " timestamptz '2025-01-01 00:00:00+00' + n * interval 31 second as ordered_at,"
        " timestamp '2025-01-01' + n * interval 31 second as updated_at"
        f" from range({first}, {last}) as numbers(n)"
    )


def lines_of_postgres(first: int, last: int) -> str:
    """As `lines_of_duckdb`."""
    return (
        "select 1000000 + n / 3, n % 3 + 1, 'u' || lpad((n * 7919 % 50000)::text, 6, '0'),"
        " 'p' || lpad((n * 104729 % 5000)::text, 5, '0'), n % 4 + 1, (n * 31 % 10000) / 100.0,"
        " timestamptz '2025-01-01 00:00:00+00' + n * interval '31 second',"
        " timestamp '2025-01-01' + n * interval '31 second'"
        f" from generate_series({first}::bigint, {last - 1}) as numbers(n)"
    )


def lines_of_mariadb(first: int, last: int) -> str:
    """As `lines_of_duckdb`."""
    return (
        "select 1000000 + seq div 3, seq % 3 + 1, concat('u', lpad(seq * 7919 % 50000, 6, '0')),"
        " concat('p', lpad(seq * 104729 % 5000, 5, '0')), seq % 4 + 1, (seq * 31 % 10000) / 100,"
        " from_unixtime(1735689600 + seq * 31),"
        f" timestamp('2025-01-01') + interval seq * 31 second from seq_{first}_to_{last - 1}"
    )


TABLE = (
    "create table order_lines (order_id bigint, line_no int, user_id varchar(20),"
    " product_id varchar(20), quantity int, unit_price decimal(10, 2), ordered_at {instant},"
    " updated_at timestamp(6) null)"
)


@contextmanager
def from_postgres(rows: int) -> Iterator[Contender]:
    """Order lines of a PostgreSQL table with an index on its cursor."""
    with postgres() as server:
        server.execute(
            TABLE.format(instant="timestamptz"),
            f"insert into order_lines {lines_of_postgres(0, rows)}",
            "create index on order_lines (updated_at)",
            "analyze order_lines",
        )

        def bare() -> None:
            with server.admin.cursor().copy("copy order_lines to stdout (format csv)") as copy:
                for _ in copy:
                    pass

        def add(first: int, last: int) -> None:
            server.execute(f"insert into order_lines {lines_of_postgres(first, last)}")

        yield Contender("PostgreSQL", FROM_DATABASE, {"SHOP_DATABASE_URL": server.url}, bare, add)


@contextmanager
def from_mariadb(rows: int) -> Iterator[Contender]:
    """Order lines of a MariaDB table with an index on its cursor."""
    with mariadb() as server:
        server.execute(
            "set time_zone = '+00:00'",
            TABLE.format(instant="timestamp null").replace("updated_at timestamp", "updated_at datetime"),
            f"insert into order_lines {lines_of_mariadb(0, rows)}",
            "create index by_change on order_lines (updated_at)",
        )  # fmt: skip

        def add(first: int, last: int) -> None:
            server.execute(f"insert into order_lines {lines_of_mariadb(first, last)}")

        yield Contender(
            "MariaDB",
            FROM_DATABASE,
            {"SHOP_DATABASE_URL": server.url},
            lambda: _client(server),
            add,
        )


def _client(server: Server) -> None:
    command = ["mariadb", "--no-defaults", "--quick", "--batch", "-h127.0.0.1", f"-P{server.port}",
               "-ushop", "shop", "-e", "select * from order_lines"]  # fmt: skip
    environment = {**os.environ, "MYSQL_PWD": PASSWORD}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)


@contextmanager
def from_s3(rows: int, folder: Path) -> Iterator[Contender]:
    """Order lines of a Parquet object."""
    import s3fs
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it prints every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    os.environ.update(environment)
    files = s3fs.S3FileSystem()
    files.mkdir(BUCKET)
    copy = folder / "copy.parquet"

    def add(first: int, last: int) -> None:
        duckdb.sql(f"copy ({lines_of_duckdb(first, last)}) to '{copy}' (compression zstd)")
        files.put_file(str(copy), f"{BUCKET}/{first:09d}.parquet")

    def bare() -> None:
        files.get_file(f"{BUCKET}/{0:09d}.parquet", str(copy))
        (folder / "bare.duckdb").unlink(missing_ok=True)
        with duckdb.connect(str(folder / "bare.duckdb")) as connection:
            connection.execute(f"create table lines as from read_parquet('{copy}')")

    add(0, rows)
    yield Contender("S3", FROM_S3, environment, bare, add)
    server.stop()


def ingested(settings: Settings, contender: Contender) -> dict[str, float]:
    """The figures of one ingest, in a process of its own."""
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", "--child"],
        env={**os.environ, **settings.environment(), **contender.environment},
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(child.stdout)
    return figures


def measure(contender: Contender, rows: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Bare and ingest in turns, then what an ingest of a thousand more lines takes."""
    settings = load_settings(shop=str(folder / "bench.yml"), lake=folder / "lake")
    shop = f"title: Remote sources\nas_of: data_end\ntransactions:\n{contender.source}{COLUMNS}"
    (folder / "bench.yml").write_text(shop)
    bare, ingests = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        contender.bare()
        bare.append(time.perf_counter() - started)
        shutil.rmtree(settings.lake, ignore_errors=True)
        ingests.append(ingested(settings, contender))
        if ingests[-1]["records"] != rows:
            raise RuntimeError(f"{ingests[-1]['records']} records loaded, expected {rows}")
    contender.add(rows, rows + ADDED)
    second = ingested(settings, contender)
    median = {key: statistics.median(one[key] for one in ingests) for key in ingests[0]}
    return {
        "bare_seconds": statistics.median(bare),
        "ingest_seconds": median["seconds"],
        "fetch_seconds": median["landing"],
        "contract_seconds": median["contracts"],
        "peak_rss_mb": max(one["peak_mb"] for one in ingests),
        "second_seconds": second["seconds"],
        "second_records": second["records"],
    }


def main() -> None:
    """Measure, print a table, and write the figures as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.remote_sources", description=__doc__
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    figures: dict[str, Any] = {}
    print(f"{given.rows:,} order lines, medians of {given.rounds}; then {ADDED:,} more")
    print(
        f"{'':12}{'bare':>9}{'ingest':>9}{'fetch':>8}{'contracts':>11}{'peak':>9}{'second run':>20}"
    )
    with tempfile.TemporaryDirectory(prefix="recomart-remote-") as name:
        folder = Path(name)
        for opened in (
            from_postgres(given.rows),
            from_mariadb(given.rows),
            from_s3(given.rows, folder),
        ):
            with opened as contender:
                one = figures[contender.name] = measure(contender, given.rows, given.rounds, folder)
                print(
                    f"{contender.name:12}{one['bare_seconds']:7.2f} s{one['ingest_seconds']:7.2f} s"
                    f"{one['fetch_seconds']:6.2f} s{one['contract_seconds']:9.2f} s"
                    f"{one['peak_rss_mb']:6,.0f} MB{one['second_seconds']:7.2f} s, "
                    f"{one['second_records']:,.0f} lines\n{'  lines/s':12}"
                    f"{given.rows / one['bare_seconds']:9,.0f}"
                    f"{given.rows / one['ingest_seconds']:9,.0f}"
                    f"{given.rows / one['fetch_seconds']:9,.0f}",
                    flush=True,
                )
    path = write_result("remote_sources", {"rows": given.rows, "rounds": given.rounds, **figures})
    print(f"written to {path.relative_to(PROJECT_ROOT)}")


if __name__ == "__main__":
    main()
