"""PostgreSQL: rows by COPY, which writes every value as exact text, at the rate of the server."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlunsplit

from ingestion.sources._connection import CONNECT_SECONDS, ColumnOfTable

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

BLOCK_BYTES = 8 << 20
"""So much of the server's text is parsed at a time; a longer value cannot be read."""
_BOOL, _BYTES, _TIMESTAMP_WITH_ZONE = 16, 17, 1184  # object ids of types, fixed by PostgreSQL
_NUMBERS = (20, 21, 23, 700, 701, 1700)
_SESSION = (
    "set time zone 'UTC'; set datestyle to iso; set bytea_output to hex; "
    "set extra_float_digits to 1; set client_encoding to 'UTF8'"
)
_CODES = {
    "28": "refused", "42501": "refused", "3D000": "no-database", "42P01": "no-table",
    "3F000": "no-table", "42703": "no-column", "57P": "down", "08": "down",
}  # fmt: skip
"""Beginnings of SQLSTATE codes (appendix A of PostgreSQL's manual)."""


class Postgres:
    """PostgreSQL, by psycopg."""

    extra, package = "postgres", "psycopg"

    def connect(self, url: SplitResult) -> PostgresConnection:
        import psycopg

        connection = psycopg.connect(
            urlunsplit(url._replace(scheme="postgresql")),
            connect_timeout=CONNECT_SECONDS,
            autocommit=True,
            application_name="recomart",
        )
        connection.execute(_SESSION)
        connection.execute("begin isolation level repeatable read, read only")
        return PostgresConnection(connection)

    def code_of(self, exc: Exception) -> str | None:
        import psycopg

        state = getattr(exc, "sqlstate", None) or ""
        for beginning, code in _CODES.items():
            if state.startswith(beginning):
                return code
        if isinstance(exc, psycopg.OperationalError) and not state:
            text = str(exc)  # before there is a session, libpq gives no code
            if "authentication failed" in text or "no password supplied" in text:
                return "refused"
            return "no-database" if 'database "' in text and "not exist" in text else "down"
        return None


class PostgresConnection:
    """A session in UTC, in a transaction that sees one snapshot."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def quoted(self, name: str) -> str:
        from psycopg import sql

        return sql.Identifier(name).as_string(self._connection)

    def literal(self, value: str, column: ColumnOfTable) -> str:
        from psycopg import sql

        if column.is_number:
            float(value)  # a number, and no SQL
            return value
        return sql.Literal(value).as_string(self._connection)  # takes the column's type

    def before(self, value: str, seconds: int) -> str:
        return f"{value}::timestamptz - interval '{seconds} seconds'"

    def columns(self, sql: str) -> list[ColumnOfTable]:
        described = self._connection.execute(f"{sql} limit 0".encode()).description or ()
        return [
            ColumnOfTable(
                column.name,
                "bytea" if column.type_code == _BYTES else "text",
                is_number=column.type_code in _NUMBERS,
            )
            for column in described
        ]

    def value(self, sql: str) -> str | None:
        row = self._connection.execute(
            f"select found::text from ({sql}) as asked (found)".encode()
        ).fetchone()
        return row[0] if row else None

    def batches(self, sql: str, columns: Sequence[ColumnOfTable]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import csv

        kinds = self._connection.execute(f"{sql} limit 0".encode()).description or ()
        # quotes around every text: without them an empty text would be a null
        command = f"copy ({sql}) to stdout with (format csv, force_quote *)"
        with self._connection.cursor().copy(command.encode()) as copy:
            stream = _CopyStream(copy)
            if stream.is_empty:
                return
            names = [column.name for column in columns]
            reader = csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES),
                csv.ParseOptions(newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    null_values=[""],
                ),
            )
            for batch in reader:
                arrays = []
                for array, kind in zip(batch.columns, kinds, strict=True):
                    if kind.type_code == _BOOL:  # written as t and f
                        words = pc.if_else(pc.equal(array, "t"), "true", "false")
                        array = words.cast(pa.string())
                    elif kind.type_code == _TIMESTAMP_WITH_ZONE:
                        array = pc.replace_substring_regex(array, r"\+00$", "+00:00")
                    arrays.append(array)
                yield pa.RecordBatch.from_arrays(arrays, schema=batch.schema)

    def tables(self) -> list[str]:
        self._connection.execute("rollback")  # nothing else is answered after an error
        rows = self._connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_schema not in ('pg_catalog', 'information_schema')"
        )
        return [name if schema == "public" else f"{schema}.{name}" for schema, name in rows]

    def close(self) -> None:
        self._connection.close()


class _CopyStream(io.RawIOBase):
    """What COPY sends, row by row, as a file that is read once."""

    def __init__(self, copy: psycopg.Copy) -> None:
        super().__init__()
        self._next = copy.read
        self._rest = bytes(self._next())
        self.is_empty = not self._rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> Any:
        parts: list[Any] = [self._rest]
        found = len(self._rest)
        while found < size and (row := self._next()):
            parts.append(row)
            found += len(row)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]
