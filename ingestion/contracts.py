"""Landing contracts: the shape of a batch, and how many of its values are not what they should be.

ibis measures the batch's rows inside DuckDB, before they are committed; pandera (its ibis backend)
holds the measures against the contract. What fails is counted in raw._contracts and logged; the
rows stay, for dbt judges rows. Only a shape that cannot be right, such as a key that is empty in
every row, refuses the batch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from ingestion.ledger import Load
from ingestion.readers.records import FEW
from recomart.errors import SourceError
from recomart.events import EVENT_TYPES
from recomart.shop.entities import TYPES
from recomart.shop.file import ShopFile
from recomart.shop.model import KEYS, Source

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

USUAL_SHARE = 0.05
"""Up to this share of bad values is ordinary dirt; beyond it a warning is logged."""
MIN_NULL_KEYS, MIN_BAD_VALUES = 3, 10
"""A batch is refused for a column that is bad throughout only if it has this many records: one bad
record alone is dirt."""

KINDS = {"events": ("event_type",)}
_TYPE_CHECKS = {"time": "is_time", "number": "is_number", "integer": "is_number"}


@dataclass(frozen=True)
class Check:
    """One promise about one column. `name` is not_null, is_time, is_number or is_event_type."""

    name: str
    column: str

    @property
    def label(self) -> str:
        return f"{self.name}__{self.column}"

    @property
    def min_records(self) -> int:
        return MIN_NULL_KEYS if self.name == "not_null" else MIN_BAD_VALUES


def checks_of(entity: str, source: Source) -> list[Check]:
    """The contract of an entity, for the columns that the shop maps."""
    promised = [
        *(("not_null", column) for column in KEYS[entity]),
        *(
            (check, column)
            for kind, check in _TYPE_CHECKS.items()
            for column, of in TYPES[entity].items()
            if of == kind
        ),
        *(("is_event_type", column) for column in KINDS.get(entity, ())),
    ]
    return [Check(name, column) for name, column in promised if column in source.columns]


def check(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    source: Source,
    shop: ShopFile,
    loads: Sequence[Load],
) -> None:
    """Check batches that are about to be committed, and write their counts to raw._contracts.

    Args:
        loads: batches of one entity whose rows are in raw.<entity>, in the open transaction.

    Raises:
        SourceError: the shape of a batch cannot be right; names the column.
    """
    checks = checks_of(entity, source)
    measured = _measured(connection, entity, source, checks, [load.batch_id for load in loads])
    names = {load.batch_id: load.source_file for load in loads}
    for breach in _breaches(connection, measured, checks):
        if breach.impossible:
            file = names[breach.batch_id]
            raise _refusal(connection, entity, source, shop, breach, file)
        log.warning(
            "contract: %s: %s of %s fails for %.1f%% of the values of %s",
            breach.batch_id, breach.check.name, breach.check.column, 100 * breach.share,
            names[breach.batch_id],
        )  # fmt: skip
    _write(connection, entity, measured, checks)


def _measured(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    source: Source,
    checks: list[Check],
    batches: list[str],
) -> pa.Table:
    """One row per batch: batch_id, records, and per check its failures (named by its label)."""
    import ibis

    rows = ibis.duckdb.from_connection(connection).table(entity, database="raw")
    rows = rows.filter(rows._batch_id.isin(batches))
    failures = {c.label: _fails(rows[c.column], c, source).sum() for c in checks}
    grouped = rows.group_by(batch_id=rows._batch_id).aggregate(records=rows.count(), **failures)
    return grouped.order_by("batch_id").to_pyarrow()


def _fails(column: Any, check: Check, source: Source) -> Any:
    """A boolean ibis column: whether a value breaks the promise."""
    if check.name == "not_null":
        return column.isnull()
    if check.name == "is_number":
        return column.notnull() & column.try_cast("float64").isnull()
    if check.name == "is_event_type":
        return column.notnull() & column.notin(EVENT_TYPES)
    if source.time_format == "iso":
        return column.notnull() & column.try_cast("timestamp('UTC')").isnull()
    if source.time_format in ("epoch_seconds", "epoch_milliseconds"):
        return column.notnull() & column.try_cast("float64").isnull()
    return column.notnull() & _try_strptime()(column, source.time_format).isnull()


def _try_strptime() -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))
    def parsed(text: Any, pattern: Any) -> Any:
        """DuckDB's own function."""

    return parsed


@dataclass(frozen=True)
class _Breach:
    batch_id: str
    check: Check
    share: float
    impossible: bool


def _breaches(
    connection: duckdb.DuckDBPyConnection, measured: pa.Table, checks: list[Check]
) -> list[_Breach]:
    """Hold the shares of bad values against the contract with pandera."""
    import ibis
    import pandera.ibis
    from pandera.errors import SchemaErrors

    connection.register("measured_batches", measured)
    try:
        table = ibis.duckdb.from_connection(connection).table("measured_batches")
        shares = table.mutate(
            **{c.label: table[c.label].cast("float64") / table.records for c in checks}
        )
        schema = pandera.ibis.DataFrameSchema(
            {
                c.label: pandera.ibis.Column(
                    float, pandera.ibis.Check.le(USUAL_SHARE), nullable=True
                )
                for c in checks
            }
        )
        try:
            schema.validate(shares, lazy=True)
        except SchemaErrors as exc:
            broken = {str(error.schema.name) for error in exc.schema_errors}
        else:
            return []
    finally:
        connection.unregister("measured_batches")
    return [
        _Breach(
            row["batch_id"],
            check,
            row[check.label] / row["records"],
            row[check.label] == row["records"] >= check.min_records,
        )
        for row in measured.to_pylist()
        for check in checks
        if check.label in broken
        and row[check.label] > USUAL_SHARE * row["records"]
        and (row[check.label] > FEW or row[check.label] == row["records"] >= check.min_records)
    ]


def _refusal(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    source: Source,
    shop: ShopFile,
    breach: _Breach,
    file: str,
) -> SourceError:
    column, name = breach.check.column, breach.check.name
    if name == "not_null":
        return SourceError(
            f"{file}: {column} is empty in every record",
            code="empty-key",
            where=shop.where(f"{entity}.columns.{column}"),
            help="map the source's column that identifies a record",
        )
    values = connection.execute(
        f"select distinct {column} from raw.{entity} where _batch_id = ? order by all limit 3",
        [breach.batch_id],
    ).fetchall()
    expected = {
        "is_time": f"a time ({source.time_format})",
        "is_number": "a number",
        "is_event_type": f"one of {', '.join(EVENT_TYPES)}",
    }[name]
    key = "time_format" if name == "is_time" else f"columns.{column}"
    return SourceError(
        f"{file}: no value of {column} is {expected}",
        code="wrong-values",
        where=shop.where(f"{entity}.{key}"),
        found=", ".join(repr(value) for (value,) in values),
        help="declare its time_format (iso, epoch_seconds, epoch_milliseconds, or a pattern)"
        if name == "is_time"
        else f"map another column to {column}, or give its values",
    )


def _write(
    connection: duckdb.DuckDBPyConnection, entity: str, measured: pa.Table, checks: list[Check]
) -> None:
    rows = [
        value
        for row in measured.to_pylist()
        for c in checks
        for value in (row["batch_id"], entity, c.name, c.column, row[c.label], row["records"])
    ]
    if rows:
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * (len(rows) // 6))
        connection.execute(f"insert into raw._contracts values {marks}", rows)
