"""Reading a table or a query of a database into Parquet, every value as the text that the server writes.

Text is exact: a decimal keeps its digits, a time its zone and microseconds, an impossible date its digits.
Rows come as they are read from the connection, and leave as row groups: memory holds a few megabytes.
All rows, and the newest value of the cursor, are of one snapshot of the database.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ingestion.declaration import Declaration
from ingestion.sources._connection import ColumnOfTable, Connection, Dialect, schema_of
from ingestion.sources._database_keys import DatabaseSource
from ingestion.sources._mysql import Mysql
from ingestion.sources._postgres import Postgres
from recomart.errors import DatabaseError, did_you_mean

HIDDEN = "***"


def dialects() -> dict[str, Dialect]:
    """By the scheme of a URL."""
    postgres, mysql = Postgres(), Mysql()
    return {"postgresql": postgres, "postgres": postgres, "mysql": mysql, "mariadb": mysql}


HELP = {
    "refused": "check user and password in {env}, and the user's right to select from it",
    "no-database": "check the name after the last / in {env}",
    "no-table": "check table, and its schema, in the shop file",
    "no-column": "check the query in the shop file",
    "down": "see that the server is up and {env} has its host and port, then run "
    "'recomart ingest' again",
}


class TableRead:
    """One read of a table or query: planned, and after `parquet` done.

    Args:
        name: what the ledger calls the table; has no host, user or password.
        since: the newest value of the cursor at the last load; None to read all rows.
    """

    def __init__(
        self, declared: Declaration[DatabaseSource], url: SplitResult, position: str | None
    ) -> None:
        source = declared.source
        self._declared = declared
        self._url = url
        self._dialect = dialects()[_scheme(url)]
        asked = json.dumps([url.hostname, url.path, source.table, source.query, source.cursor])
        self._asked = hashlib.sha256(asked.encode()).hexdigest()[:16]
        remembered = json.loads(position) if position and source.cursor else {}
        self.since: str | None = (
            remembered.get("newest") if remembered.get("asked") == self._asked else None
        )
        self._newest = self.since
        what = source.table or f"query-{hashlib.sha256(str(source.query).encode()).hexdigest()[:8]}"
        self.name = f"{_scheme(url)}:{unquote(url.path).strip('/')}/{what}"

    @classmethod
    def of(cls, declared: Declaration[DatabaseSource], position: str | None) -> TableRead:
        """Plan a read.

        Args:
            position: as `position` was after the last load.

        Raises:
            DatabaseError: the variable is not set, or is not the URL of a database.
        """
        return cls(declared, _url_of(declared), position)

    @property
    def position(self) -> str | None:
        """What to remember when the rows are loaded; None without a cursor."""
        if self._newest is None:
            return None
        return json.dumps({"asked": self._asked, "newest": self._newest})

    def parquet(self, limit: int | None = None) -> Iterator[bytes]:
        """The rows as the bytes of a Parquet file; none at all when no row is new.

        Raises:
            DatabaseError: the database is down, refuses or breaks off; a table or column is missing, or
                has bytes.
        """
        import pyarrow.parquet as pq

        if find_spec(self._dialect.package) is None:
            raise DatabaseError(
                f"the driver for the database of {self._declared.entity} is not installed",
                code="missing-driver",
                where=self._declared.where("database"),
                found=f"no package {self._dialect.package}",
                help=f"install RecoMart with its extra: pip install 'recomart[{self._dialect.extra}]'",
            )
        with self._explained():
            connection = self._dialect.connect(self._url)
        try:
            with self._explained(connection):
                source = self._source(connection)
                columns = connection.columns(f"select * from {source}")
            landed = self._landed(columns)
            with self._explained(connection):
                select, newest = self._select(connection, source, columns, landed)
                if limit is not None:
                    select += f" limit {limit}"
                sink = _Pieces()
                with pq.ParquetWriter(sink, schema_of(landed), compression="zstd") as writer:
                    rows = 0
                    for batch in connection.batches(select, landed):
                        writer.write_batch(batch)
                        rows += batch.num_rows
                        yield sink.taken()
                if rows or self.since is None:
                    yield sink.taken()
            self._newest = newest or self._newest
        finally:
            connection.close()

    def _source(self, connection: Connection) -> str:
        declared = self._declared.source
        if declared.query is not None:
            return f"(\n{declared.query.strip().rstrip(';')}\n) as query"
        return ".".join(connection.quoted(part) for part in str(declared.table).split("."))

    def _landed(self, columns: list[ColumnOfTable]) -> list[ColumnOfTable]:
        """The columns to land: all but those of bytes that are ignored."""
        declared, source = self._declared, self._declared.source
        names = [column.name for column in columns]
        if source.cursor is not None and source.cursor not in names:
            raise DatabaseError(
                f"{self.name} has no column {source.cursor}, the cursor of {declared.entity}",
                code="no-column",
                where=declared.where("cursor"),
                found=", ".join(names),
                help=f"{did_you_mean(source.cursor, names)}name a column that grows with every new "
                "or changed row",
            )
        landed = [c for c in columns if c.kind == "text" or c.name not in source.ignore]
        for column in landed:
            if column.kind != "text":
                raise DatabaseError(
                    f"the column {column.name} of {self.name} has bytes, which are no text",
                    code="bytes-column",
                    where=declared.where("columns"),
                    found=column.kind,
                    help=f"ignore it: ignore: [{column.name}]; or select its text in a query",
                )
        return landed

    def _select(
        self,
        connection: Connection,
        source: str,
        columns: list[ColumnOfTable],
        landed: list[ColumnOfTable],
    ) -> tuple[str, str | None]:
        """The select of the rows to read, and the newest value of the cursor."""
        declared = self._declared.source
        select = f"select {', '.join(connection.quoted(c.name) for c in landed)} from {source}"
        if declared.cursor is None:
            return select, None
        name = connection.quoted(declared.cursor)
        newest = connection.value(f"select max({name}) from {source}")
        if self.since is None:
            return select, newest
        column = next(column for column in columns if column.name == declared.cursor)
        since = connection.literal(self.since, column)
        if (seconds := declared.lookback_seconds) is not None:
            since = connection.before(since, seconds)
        elif declared.lookback:
            since = f"{since} - {declared.lookback}"
        # a row without a value is never behind the newest one: it is read every time
        return f"{select} where {name} >= {since} or {name} is null", newest

    @contextmanager
    def _explained(self, connection: Connection | None = None) -> Iterator[None]:
        """Errors of a driver as errors that say what to do.

        Raises:
            DatabaseError: whatever the driver raised.
        """
        try:
            yield
        except (DatabaseError, GeneratorExit):
            raise
        except Exception as exc:  # drivers have no error in common
            declared, source = self._declared, self._declared.source
            env = source.database.env
            code = self._dialect.code_of(exc) or "database-error"
            help = HELP.get(code, "see what the server says, then run 'recomart ingest' again")
            if code == "no-table" and connection is not None and source.table is not None:
                help = _nearest(connection, source.table) + help
            if code == "down" and connection is not None:
                message = f"the connection to the database of {declared.entity} broke off"
            elif connection is None:
                message = f"the database of {declared.entity} cannot be reached"
            else:
                message = f"{self.name} cannot be read"
            raise DatabaseError(
                message,
                code=code,
                where=declared.where("database" if connection is None else _key_of(source)),
                found=_without_password(" ".join(str(exc).split())[:300], self._url),
                help=help.format(env=env),
            ) from exc


class _Pieces(io.RawIOBase):
    """What a Parquet writer has written since it was last taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Where it is: a writer asks for it in this way, and goes nowhere."""
        return self._size

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def taken(self) -> bytes:
        """The bytes, which it forgets."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _url_of(declared: Declaration[DatabaseSource]) -> SplitResult:
    env = declared.source.database.env
    text = os.environ.get(env, "")
    example = f"export {env}=postgresql://user:password@host:5432/database, or mysql://..."
    if not text:
        raise DatabaseError(
            f"the URL of the database of {declared.entity} is not set",
            code="missing-database-url",
            where=declared.where("database"),
            found=f"${env} is unset or empty",
            help=example,
        )
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        url = urlsplit("")
    known = dialects()
    dialect = known.get(_scheme(url))
    if dialect is None or not url.path.strip("/"):
        raise DatabaseError(
            f"${env} is not the URL of a database that {declared.entity} can be read from",
            code="wrong-database-url",
            where=declared.where("database"),
            found=f"{url.scheme}://..." if url.scheme else "no scheme",
            help=f"{example}; known are {', '.join(known)}",
        )
    return url


def _scheme(url: SplitResult) -> str:
    return url.scheme.partition("+")[0].lower()  # SQLAlchemy's name a driver too


def _key_of(source: DatabaseSource) -> str:
    return "table" if source.table is not None else "query"


def _nearest(connection: Connection, table: str) -> str:
    try:
        return did_you_mean(table, connection.tables())
    except Exception:  # only help for an error that is raised anyway
        return ""


def _without_password(text: str, url: SplitResult) -> str:
    for secret in {url.password or "", unquote(url.password or "")} - {""}:
        text = text.replace(secret, HIDDEN)
    return text
