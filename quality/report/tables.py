"""Queries over a warehouse in which tables may be missing: before the first transform, or after a
build that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

Row = dict[str, Any]


class Tables:
    """Read-only queries over tables that may not exist yet."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        found = connection.execute(
            "select table_schema || '.' || table_name, list(column_name)"
            " from information_schema.columns group by all"
        ).fetchall()
        self._columns: dict[str, set[str]] = {table: set(columns) for table, columns in found}

    def has(self, *tables: str) -> bool:
        """Whether all these tables (schema.name) exist."""
        return all(table in self._columns for table in tables)

    def columns(self, table: str) -> set[str]:
        """The table's columns; none when it does not exist."""
        return self._columns.get(table, set())

    def rows(self, sql: str, parameters: Sequence[object] = (), *, needs: str = "") -> list[Row]:
        """The rows of a query as dictionaries.

        Args:
            needs: the tables that the query reads, separated by spaces; if one of them does not
                exist, there are no rows.
        """
        if not self.has(*needs.split()):
            return []
        cursor = self.connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(self, sql: str, parameters: Sequence[object] = (), *, needs: str = "") -> Row | None:
        """The first row of a query; None when it has none."""
        return next(iter(self.rows(sql, parameters, needs=needs)), None)
