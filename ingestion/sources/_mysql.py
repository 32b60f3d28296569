"""MySQL and MariaDB: rows of the text protocol, every value as the server wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote

from ingestion.sources._connection import CONNECT_SECONDS, ColumnOfTable, text_batches

if TYPE_CHECKING:
    import pyarrow as pa

FETCH_ROWS = 20_000
ANSWER_SECONDS = 600
"""A server that sends nothing for this long counts as down."""
_BINARY = 63
"""The number of the character set `binary`."""
_NUMBERS = (0, 1, 2, 3, 4, 5, 8, 9, 246)
_TIMESTAMP, _BIT, _GEOMETRY = 7, 16, 255
_STRINGS = (249, 250, 251, 252, 253, 254)
_ZERO_DATE = "0000-00-00"
_CODES = {
    1044: "refused", 1045: "refused", 1142: "refused", 1143: "refused", 1698: "refused",
    1049: "no-database", 1146: "no-table", 1054: "no-column",
    **dict.fromkeys((1053, 1152, 1158, 1159, 1160, 1161, 1184, 2002, 2003, 2006, 2013, 2055), "down"),
}  # fmt: skip
_OPTIONS = ("unix_socket", "ssl_ca", "ssl_cert", "ssl_key")
_SESSION = (
    "set time_zone = '+00:00'",
    "set transaction isolation level repeatable read",
    "start transaction with consistent snapshot, read only",
)


class Mysql:
    """MySQL and MariaDB, by PyMySQL."""

    extra, package = "mysql", "pymysql"

    def connect(self, url: SplitResult) -> MysqlConnection:
        import pymysql

        options: dict[str, Any] = {k: v for k, v in parse_qsl(url.query) if k in _OPTIONS}
        connection = pymysql.connect(
            host=url.hostname or "127.0.0.1",
            port=url.port or 3306,
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            database=unquote(url.path.strip("/")),
            charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            program_name="recomart",
            **options,
        )
        connection.decoders = {}  # values stay the texts that the server sent
        for command in _SESSION:
            connection.query(command)
        return MysqlConnection(connection)

    def code_of(self, exc: Exception) -> str | None:
        number = exc.args[0] if exc.args else None
        if isinstance(number, int) and number in _CODES:
            return _CODES[number]
        return "down" if isinstance(exc, OSError) else None


class MysqlConnection:
    """A session in UTC, in a transaction that sees one snapshot."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._streamed: Any = None
        """The result whose rows are still to come, if any."""

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def literal(self, value: str, column: ColumnOfTable) -> str:
        if column.is_number:
            float(value)  # a number, and no SQL
            return value  # in quotes it would be compared as a float
        return str(self._connection.escape(value.removesuffix("+00:00")))

    def before(self, value: str, seconds: int) -> str:
        return f"{value} - interval {seconds} second"

    def columns(self, sql: str) -> list[ColumnOfTable]:
        _, fields = self._fetch(f"{sql} limit 0")
        return [
            ColumnOfTable(field.name, _kind(field), is_number=field.type_code in _NUMBERS)
            for field in fields
        ]

    def value(self, sql: str) -> str | None:
        rows, _ = self._fetch(sql)
        return rows[0][0] if rows else None

    def batches(self, sql: str, columns: Sequence[ColumnOfTable]) -> Iterator[pa.RecordBatch]:
        from pymysql.cursors import SSCursor

        cursor = self._connection.cursor(SSCursor)
        cursor.execute(sql)
        self._streamed = cursor._result
        kinds = [field.type_code for field in cursor._result.fields]
        stamps = [place for place, kind in enumerate(kinds) if kind == _TIMESTAMP]
        bits = [place for place, kind in enumerate(kinds) if kind == _BIT]

        def fetch() -> Sequence[Sequence[str | None]]:
            rows = cursor.fetchmany(FETCH_ROWS)
            return _written(rows, stamps, bits) if stamps or bits else rows

        return text_batches(fetch, columns)

    def tables(self) -> list[str]:
        rows, _ = self._fetch(
            "select table_name from information_schema.tables where table_schema = database()"
        )
        return [str(name) for (name,) in rows]

    def close(self) -> None:
        # a polite end would read all rows that are still to come
        if self._streamed is not None:
            self._streamed.unbuffered_active = False
        self._connection._force_close()

    def _fetch(self, sql: str) -> tuple[list[tuple[str | None, ...]], Sequence[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()), cursor._result.fields


def _kind(field: Any) -> str:
    if field.type_code == _GEOMETRY or (field.type_code in _STRINGS and field.charsetnr == _BINARY):
        return "binary"
    return "text"


def _written(
    rows: Sequence[Sequence[Any]], stamps: Sequence[int], bits: Sequence[int]
) -> list[list[str | None]]:
    """Rows with the zone of timestamps, which are instants in UTC, and with bits as numbers."""
    written = [list(row) for row in rows]
    for row in written:
        for place in stamps:
            if row[place] is not None and not row[place].startswith(_ZERO_DATE):
                row[place] += "+00:00"
        for place in bits:
            if row[place] is not None:
                row[place] = str(int.from_bytes(row[place], "big"))
    return written
