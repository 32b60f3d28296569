"""Real database servers for tests and benchmarks: PostgreSQL and MariaDB as Debian has them.

Each runs on loopback, in a folder of its own that goes when it ends.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSWORD = "s3cr3t/pass word"
"""With what a URL must escape."""
ESCAPED = "s3cr3t%2Fpass%20word"
SECONDS = 30


class NoServer(Exception):
    """A server program is not installed."""


@dataclass
class Server:
    """A running server with the user `shop` and the database `shop`."""

    scheme: str
    port: int
    admin: Any
    """An open connection of the administrator, who commits each command."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://shop:{ESCAPED}@127.0.0.1:{self.port}/shop"

    def execute(self, *commands: str) -> None:
        with self.admin.cursor() as cursor:
            for command in commands:
                cursor.execute(command)

    def end_session(self) -> None:
        """End the session of the user `shop`, as a crash or an administrator would."""
        with self.admin.cursor() as cursor:
            if self.scheme == "postgresql":
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop'"
                )
                return
            cursor.execute("select id from information_schema.processlist where user = 'shop'")
            for (number,) in cursor.fetchall():
                cursor.execute(f"kill connection {number}")


@contextmanager
def postgres() -> Iterator[Server]:
    """A PostgreSQL server.

    Raises:
        NoServer: it is not installed.
    """
    import psycopg

    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = programs[-1] if programs else _found("postgres")
    with _folder("postgres") as (folder, prefix):
        data = folder / "data"
        _run(*prefix, program.with_name("initdb"), "-D", data, "-U", "admin", "-A", "scram-sha-256",
             "-N", "--pwfile", _written(folder / "password", PASSWORD))  # fmt: skip
        port = _free_port()
        command = [*prefix, program, "-D", data, "-p", port, "-k", folder, "-c", "fsync=off",
                   "-c", "listen_addresses=127.0.0.1"]  # fmt: skip
        with _running(command, folder, port):
            admin = _connected(
                lambda: psycopg.connect(
                    host="127.0.0.1", port=port, user="admin", password=PASSWORD,
                    dbname="postgres", autocommit=True,
                ),
                psycopg.OperationalError,
            )  # fmt: skip
            admin.execute(f"create role shop login password '{PASSWORD}'")
            admin.execute("create database shop owner shop")
            admin.close()
            admin = psycopg.connect(
                host="127.0.0.1", port=port, user="admin", password=PASSWORD, dbname="shop",
                autocommit=True,
            )  # fmt: skip
            admin.execute("alter default privileges grant select on tables to shop")
            yield Server("postgresql", port, admin)
            admin.close()


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB server.

    Raises:
        NoServer: it is not installed.
    """
    import pymysql

    program = _found("mariadbd")
    with _folder("mysql") as (folder, prefix):
        data = folder / "data"
        _run(*prefix, _found("mariadb-install-db"), "--no-defaults", f"--datadir={data}",
             "--auth-root-authentication-method=normal", "--skip-test-db")  # fmt: skip
        port = _free_port()
        command = [*prefix, program, "--no-defaults", f"--datadir={data}", f"--port={port}",
                   f"--socket={folder}/socket", "--bind-address=127.0.0.1",
                   "--innodb-flush-log-at-trx-commit=0", "--sql-mode="]  # fmt: skip
        with _running(command, folder, port):
            admin = _connected(
                lambda: pymysql.connect(
                    host="127.0.0.1", port=port, user="root", charset="utf8mb4", autocommit=True
                ),
                pymysql.err.OperationalError,
            )
            server = Server("mysql", port, admin)
            server.execute(
                "create database shop character set utf8mb4",
                f"create user shop identified by '{PASSWORD}'",
                "grant select on shop.* to shop",
                "use shop",
            )
            yield server
            admin.close()


def _found(program: str) -> Path:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin")
    if path is None:
        raise NoServer(f"no {program}: install Debian's postgresql and mariadb-server")
    return Path(path)


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, list[Any]]]:
    """A folder of a server, and what goes before its command: neither server runs as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"recomart-{user}-"))
    prefix: list[Any] = []
    if os.getuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        prefix = ["setpriv", f"--reuid={user}", f"--regid={account.pw_gid}", "--clear-groups"]
    try:
        yield folder, prefix
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: list[Any], folder: Path, port: int) -> Iterator[None]:
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=folder)
    try:
        yield
    finally:
        process.kill()  # nothing of it is kept
        process.wait(SECONDS)


def _connected(connect: Any, error: type[Exception]) -> Any:
    end = time.monotonic() + SECONDS
    while True:
        try:
            return connect()
        except error:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True, cwd="/")


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o644)
    return path


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
