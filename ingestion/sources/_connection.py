"""What reading a database asks of a driver, and rows of texts as batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult

if TYPE_CHECKING:
    import pyarrow as pa

CONNECT_SECONDS = 10


@dataclass(frozen=True)
class ColumnOfTable:
    """A column as the database describes it.

    Args:
        kind: text for what is landed as the server writes it; bytes are not.
        is_number: whether a value of it is written without quotes.
    """

    name: str
    kind: str = "text"
    is_number: bool = False


class Connection(Protocol):
    """An open connection, in a snapshot that no later commit changes."""

    def quoted(self, name: str) -> str:
        """A column's or table's name in SQL."""

    def literal(self, value: str, column: ColumnOfTable) -> str:
        """A value, as the server wrote it, in SQL."""

    def before(self, value: str, seconds: int) -> str:
        """SQL of a time that lies some seconds before a value in SQL."""

    def columns(self, sql: str) -> list[ColumnOfTable]:
        """The columns of a select."""

    def value(self, sql: str) -> str | None:
        """The only value of a select, as the server writes it."""

    def batches(self, sql: str, columns: Sequence[ColumnOfTable]) -> Iterator[pa.RecordBatch]:
        """The rows of a select as texts, as they come."""

    def tables(self) -> list[str]:
        """The names of all tables and views, for an error."""

    def close(self) -> None:
        """Give the connection up, whatever is still to be read."""


class Dialect(Protocol):
    """A kind of database server."""

    extra: str
    package: str

    def connect(self, url: SplitResult) -> Connection:
        """Connect, and begin a snapshot. Raises the driver's own errors."""

    def code_of(self, exc: Exception) -> str | None:
        """What an error of the driver means: refused, no-database, no-table, no-column, down; None
        for another one."""


def schema_of(columns: Sequence[ColumnOfTable]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(column.name, pa.string()) for column in columns])


def text_batches(
    fetch: Callable[[], Sequence[Sequence[str | None]]], columns: Sequence[ColumnOfTable]
) -> Iterator[pa.RecordBatch]:
    """Rows of texts as batches, until `fetch` has no more."""
    import pyarrow as pa

    while rows := fetch():
        arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))
