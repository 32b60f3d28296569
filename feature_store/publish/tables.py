"""What a snapshot copies out of the warehouse: tables in the order of their keys, and facts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from feature_store.definitions.manifest import Model
from feature_store.derived_feature import Prior
from feature_store.ledger import batch_of, read_batches
from feature_store.snapshots import Batch
from recomart.errors import ConfigurationError, NotReady
from recomart.sql import identifier, literal

ROW_GROUP_ROWS = 122_880


def batches_built(connection: duckdb.DuckDBPyConnection, now: datetime) -> tuple[Batch, ...]:
    """The batches that the tables were built from.

    dbt's own account names them. The ledger alone is not enough: it may have batches that were
    loaded after the build, and failed ones.
    """
    loads = {load.batch_id: load for load in read_batches(connection)}
    built = connection.execute(
        "select batch_id, records, accepted from quality.dq_reconciliation"
        " where status = 'loaded' order by batch_id"
    ).fetchall()
    return tuple(
        batch_of(loads[batch_id], records, accepted, since=now)
        for batch_id, records, accepted in built
        if batch_id in loads
    )


def copy_table(
    connection: duckdb.DuckDBPyConnection, model: Model, target: Path
) -> tuple[int, dict[str, str]]:
    """Write one model in the order of its key. Decimals become doubles, as readers compute.

    Returns:
        The count of rows, and the type of each column in the file.
    """
    source = f"{identifier(model.schema)}.{identifier(model.table)}"
    found = connection.execute(f"select column_name, column_type from (describe {source})")
    types = dict(found.fetchall())
    absent = [column.name for column in model.columns if column.name not in types]
    if absent or len(types) != len(model.columns):
        extra = sorted(types.keys() - {column.name for column in model.columns})
        raise ConfigurationError(
            f"{model.schema}.{model.table} is not what dbt's manifest declares",
            found=f"missing: {', '.join(absent) or '-'}; undeclared: {', '.join(extra) or '-'}",
            help="run 'recomart transform' after a change of a model or its YAML",
        )
    written = {
        name: "DOUBLE" if kind.startswith("DECIMAL") else kind for name, kind in types.items()
    }
    columns = ", ".join(
        identifier(name)
        if kind == types[name]
        else f"{identifier(name)}::{kind} as {identifier(name)}"
        for name, kind in written.items()
    )
    write_ordered(connection, f"select {columns} from {source}", model.order_by, target)
    return rows_of(target), written


def write_ordered(
    connection: duckdb.DuckDBPyConnection, query: str, order_by: Sequence[str], target: Path
) -> None:
    """Write the rows of a query as Parquet. Equal rows, in a total order, give equal bytes."""
    # one thread and a fixed size of row groups, so that row groups always begin at the same rows
    threads = connection.execute("select current_setting('threads')").fetchone()
    connection.execute("set threads = 1")
    connection.execute(
        f"""
        copy (from ({query}) order by {", ".join(map(identifier, order_by))})
        to {literal(target)} (format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})
        """
    )
    connection.execute(f"set threads = {threads[0] if threads else 1}")


def rows_of(file: Path) -> int:
    """The count of rows in a Parquet file, by its footer."""
    return int(pq.read_metadata(file).num_rows)


def clock_and_prior(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[datetime, Prior]:
    """The shop's as_of and prior, from its published row."""
    row = connection.execute(
        f"select as_of, prior_rating, prior_weight from {literal(file)}"
    ).fetchone()
    if row is None or row[0] is None:
        raise NotReady(
            "the shop has no clock: marts.dim_shop is empty or its as_of is null",
            help="run 'recomart ingest' with data in it, then 'recomart transform'",
        )
    as_of, rating, weight = row
    prior = Prior(math.nan if rating is None else float(rating), float(weight))
    return as_of.replace(tzinfo=UTC), prior
