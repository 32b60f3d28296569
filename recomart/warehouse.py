"""Opens the DuckDB warehouse, for ingestion, dbt, and (read-only) publishing and reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import psutil

from recomart.errors import NotReady, WarehouseLocked
from recomart.settings import Settings
from recomart.sql import literal


@contextmanager
def warehouse(
    settings: Settings, *, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to `<lake>/warehouse.duckdb`, closed at the end. Keep it open only briefly.

    A writer locks out all other processes, including readers. Inside one process, DuckDB refuses a
    second connection with another configuration, so limits are set by statements.

    Args:
        read_only: open an existing file, which other readers may open too.

    Raises:
        WarehouseLocked: another process has the file open; names its PID and command.
        NotReady: `read_only`, and there is no warehouse yet.
    """
    if read_only and not settings.warehouse.exists():
        raise NotReady(
            f"there is no warehouse at {settings.warehouse}", help="run 'recomart ingest' first"
        )
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=read_only)
    except duckdb.IOException as exc:
        raise locked_error(settings, str(exc)) from exc
    try:
        apply_limits(connection, settings)
        yield connection
    finally:
        connection.close()


def apply_limits(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Set memory limit, threads, spill folder and time zone (UTC) of a DuckDB connection."""
    connection.execute(f"set memory_limit = {literal(settings.memory_limit)}")
    connection.execute(f"set threads = {settings.threads}")
    connection.execute(f"set temp_directory = {literal(settings.lake / 'tmp')}")
    connection.execute("set TimeZone = 'UTC'")


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether a table or view of this name (`schema.name`) exists."""
    query = "select 1 from information_schema.tables where table_schema || '.' || table_name = ?"
    return connection.execute(query, [table]).fetchone() is not None


def locked_error(settings: Settings, text: str) -> WarehouseLocked:
    """The error for a locked warehouse. DuckDB's message names the PID of the other process."""
    match = re.search(r"PID (\d+)", text)
    if match is None:
        return WarehouseLocked(f"cannot open {settings.warehouse}", found=text.splitlines()[0])
    pid = int(match.group(1))
    try:
        command = " ".join(psutil.Process(pid).cmdline()) or "unknown command"
    except psutil.Error:
        command = "already gone"
    return WarehouseLocked(
        f"another process has the warehouse open, PID {pid}",
        where=str(settings.warehouse),
        found=command[:200],
        help=f"wait until it ends, or stop it with 'kill {pid}'; then run the command again",
    )
