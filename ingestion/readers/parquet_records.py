"""Parquet to records: every value as the text that other formats would have, every row numbered.

DuckDB reads the columns at once, and no value passes through Python. A row of the file is a record;
`lines` of the ledger are rows too, because a Parquet file has no lines that could be blank, continued
or broken. A file with damaged pages is refused as a whole.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recomart.errors import SourceError, SourceMissing
from recomart.sql import identifier, literal

ROW_NUMBER = "file_row_number"
"""The column that DuckDB adds; it counts from 0."""

_FLOATS = ("DOUBLE", "FLOAT")
_NESTED = ("STRUCT", "MAP", "[]")
_WHOLE = 2**53
"""Up to here a double holds every whole number."""


@dataclass(frozen=True)
class ParquetFile:
    """A file to insert from: SQL with a text per column and _record, and how many rows it has."""

    relation: str
    places: dict[str, str]
    """The source's column, or a path a.b in a struct -> the SQL identifier that holds it."""
    records: int


def column_names(path: Path, shown: str, where: str) -> list[str]:
    """The names of a Parquet file's columns, in its order.

    Args:
        shown: what messages call the file.
        where: the place in the shop file that declares Parquet.

    Raises:
        SourceMissing: the file is empty or cannot be read.
        SourceError: it is not Parquet.
    """
    try:
        if path.stat().st_size == 0:
            raise SourceMissing(
                f"{shown} is empty", where=str(path), help="fix the file, or remove it"
            )
        return list(pq.read_schema(path).names)
    except pa.ArrowException as exc:
        raise SourceError(
            f"{shown} is not a Parquet file",
            code="no-parquet",
            where=where,
            found=str(exc).splitlines()[0][:200],
            help="declare its format (csv or jsonl), or write the file again: it may be cut off",
        ) from exc
    except OSError as exc:
        raise SourceMissing(
            f"{shown} cannot be read", where=str(path), found=exc.strerror or str(exc)
        ) from exc


def opened(
    connection: duckdb.DuckDBPyConnection, path: Path, reads: tuple[str, ...]
) -> ParquetFile:
    """The file as SQL that reads some of its columns as text.

    Times become ISO texts in UTC; numbers keep their shortest exact form, and whole ones lose a
    trailing .0, because a column of ids with gaps is often stored as floating; lists and structs
    become JSON; empty texts become null, as in a CSV.

    Raises:
        SourceError: DuckDB cannot read the file's columns.
    """
    file = f"read_parquet({literal(glob.escape(str(path)))}, {ROW_NUMBER} = true, binary_as_string = true)"
    metadata = pq.read_metadata(path)
    names = set(metadata.schema.to_arrow_schema().names)
    columns = [_column(name, names) for name in reads]
    try:
        listed = ", ".join([*columns, ROW_NUMBER])
        described = connection.execute(f"describe select {listed} from {file}").fetchall()
    except duckdb.Error as exc:
        raise SourceError(
            f"{path.name} has columns that cannot be read",
            code="unreadable-file",
            where=str(path),
            found=str(exc).splitlines()[0][:200],
            help="write its nested or unusual columns as text",
        ) from exc
    texts = [
        f"{_as_text(column, str(row[1]))} as c{i}"
        for i, (column, row) in enumerate(zip(columns, described, strict=False))
    ]
    rows = ", ".join([*texts, f"{ROW_NUMBER} + 1 as _record"])
    return ParquetFile(
        f"(select {rows} from {file})",
        {name: f"c{i}" for i, name in enumerate(reads)},
        metadata.num_rows,
    )


def _column(name: str, names: set[str]) -> str:
    """The SQL of a column, or of a path in a struct."""
    if name in names:
        return identifier(name)
    return ".".join(identifier(part) for part in name.split("."))


def _as_text(column: str, data_type: str) -> str:
    if data_type.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"replace(cast({column} at time zone 'UTC' as varchar), ' ', 'T') || 'Z'"
    if data_type.startswith("TIMESTAMP"):
        return f"replace(cast({column} as varchar), ' ', 'T')"
    if data_type in _FLOATS:
        whole = f"{column} = trunc({column}) and abs({column}) < {_WHOLE}"
        return (
            f"case when {whole} then cast(cast({column} as bigint) as varchar) "
            f"else cast({column} as varchar) end"
        )
    if data_type.startswith(_NESTED) or data_type.endswith("]"):
        return f"cast(to_json({column}) as varchar)"
    return f"nullif(cast({column} as varchar), '')"
