"""Two warehouses, table by table and row by row: `python -m benchmarks.compare_tables OLD NEW`.

Both must be built from the same sources with the same end date. Ends with 1 when a table, a column
or a row differs. Rows are compared as multisets, since a table has no order.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

SCHEMAS = ("staging", "intermediate", "marts", "features", "quality")

EXCLUDED: dict[str, str] = {
    "_loaded_at": "the time of the load",
    "finished_at": "the time of the load",
    "_batch_id": "holds the time of the load; its place among the batches is compared",
    "batch_id": "holds the time of the load; its place among the batches is compared",
    "_source_file": "a path in the lake; its file name is compared",
    "source_file": "a path in the lake; its file name is compared",
    "words": "a sentence for people, which may be reworded",
    "because": "a sentence for people, which may be reworded",
    "error": "a sentence for people, which may be reworded",
}
"""Column -> why its values may differ. A column that only one side has is a difference all the same."""

EXCLUDED_TABLES: dict[str, str] = {"quality.dbt_runs": "a log of the runs of dbt"}
"""Table -> why it is not compared."""

REMARK = " (a remark, and no difference)"


@dataclass(frozen=True)
class Side:
    """One warehouse, copied: columns with their types, in order, by table."""

    name: str
    tables: dict[str, list[str]]


def compare(old: Path, new: Path, schemas: Sequence[str] = SCHEMAS) -> list[str]:
    """What differs, one line each; empty for equal warehouses."""
    with duckdb.connect() as connection:
        before = _copy(connection, "old", old, schemas)
        after = _copy(connection, "new", new, schemas)
        names = before.tables.keys(), after.tables.keys()
        found = [f"{name}: only in the old warehouse" for name in names[0] - names[1]]
        found += [f"{name}: only in the new warehouse" for name in names[1] - names[0]]
        for name in sorted(names[0] & names[1]):
            found += _differences(connection, name, before.tables[name], after.tables[name])
    return found


def _copy(
    connection: duckdb.DuckDBPyConnection, side: str, path: Path, schemas: Sequence[str]
) -> Side:
    """Copy what is compared of a warehouse into schema `side`; staging's views hold its name."""
    connection.execute(f"attach '{path}' as {path.stem} (read_only)")
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and list_contains(?, schema_name) order by 1, column_index",
        [path.stem, list(schemas)],
    ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column, data_type in rows:
        if table not in EXCLUDED_TABLES:
            tables.setdefault(table, []).append(f"{column} {data_type}")
    connection.execute(f"create schema {side}")
    for table, columns in tables.items():
        select = _compared(path.stem, table, [column.split()[0] for column in columns])
        connection.execute(f'create table {side}."{table}" as {select}')
    connection.execute(f"detach {path.stem}")
    return Side(side, tables)


def _compared(database: str, table: str, columns: list[str]) -> str:
    """The columns of a table that are compared. Batches are numbered in the order of loading."""
    selected = [f't."{column}"' for column in sorted(columns) if column not in EXCLUDED]
    if file := next((c for c in columns if c in ("_source_file", "source_file")), None):
        selected.append(f"parse_filename(t.{file}) as file_name")
    batch = next((c for c in columns if c in ("_batch_id", "batch_id")), None)
    if batch is None:
        return f"select {', '.join(selected)} from {database}.{table} as t"
    return (
        f"select {', '.join(selected)}, p.place as batch from {database}.{table} as t left join ("
        f"select batch_id, row_number() over (order by batch_id) as place from {database}.raw._loads"
        f") as p on t.{batch} = p.batch_id"
    )


def _differences(
    connection: duckdb.DuckDBPyConnection, name: str, old: list[str], new: list[str]
) -> list[str]:
    if sorted(old) != sorted(new):
        return [f"{name}: columns differ: {', '.join(sorted(set(old) ^ set(new)))}"]
    found = [] if old == new else [f"{name}: the order of columns differs{REMARK}"]
    gone, added = (
        connection.execute(
            f'select count(*) from (from {one}."{name}" except all from {other}."{name}")'
        ).fetchall()[0][0]
        for one, other in (("old", "new"), ("new", "old"))
    )
    if gone or added:
        found.append(f"{name}: {gone:,} rows are gone, {added:,} are new")
    return found


def main(arguments: Sequence[str]) -> int:
    """Print what differs, and what was left out; 1 when a table differs."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    old, new = map(Path, arguments)
    found = compare(old, new)
    remarks = [line for line in found if line.endswith(REMARK)]
    for line in found:
        print(line)
    for name, reason in (EXCLUDED | EXCLUDED_TABLES).items():
        print(f"left out: {name} ({reason})")
    differences = len(found) - len(remarks)
    print(
        f"{differences} differences between {old} and {new}" if differences else "all tables equal"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
