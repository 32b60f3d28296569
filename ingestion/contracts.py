"""Landing contracts: the shape of a batch, and how many of its values are not what they should be.

ibis measures the batch's rows inside DuckDB, before they are committed; pandera (its ibis backend)
compares the measures with the contract. What fails is counted in raw._contracts and logged; the
rows stay, because dbt judges rows. A batch is refused only for a shape that cannot be right, such as
a key that is empty in every row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from feature_store.ledger import BatchRecord
from ingestion.declaration import Declaration
from ingestion.readers.records import FEW
from recomart import casts
from recomart.errors import SourceError
from recomart.events import EVENT_TYPES
from recomart.shop.entities import TYPES
from recomart.shop.model import KEYS, Source
from recomart.sql import literal

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

USUAL_SHARE = 0.05
"""The limit of bad values: up to this share they are ordinary dirt; beyond it ingest logs a warning,
and `shop check` reports it."""
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
    declared: Declaration[Any],
    batches: Sequence[BatchRecord],
) -> None:
    """Check batches that are about to be committed, and write their counts to raw._contracts.

    Args:
        batches: of the declared entity; their rows are in raw.<entity>, in the open transaction.

    Raises:
        SourceError: the shape of a batch cannot be right; names the column.
    """
    checks = checks_of(declared.entity, declared.source)
    names = {batch.batch_id: batch.source_file for batch in batches}
    measured = _measured(connection, declared, checks, list(names))
    for breach in _breaches(connection, measured, checks):
        if breach.impossible:
            raise _refusal(connection, declared, breach, names[breach.batch_id])
        log.warning(
            "contract: %s: %s of %s fails for %.1f%% of the values of %s",
            breach.batch_id, breach.check.name, breach.check.column, 100 * breach.share,
            names[breach.batch_id],
        )  # fmt: skip
    _write(connection, declared.entity, measured, checks)


def _measured(
    connection: duckdb.DuckDBPyConnection,
    declared: Declaration[Any],
    checks: list[Check],
    batches: list[str],
) -> pa.Table:
    """One row per batch: batch_id, records, and per check its failures (named by its label)."""
    import ibis

    ids = ", ".join(map(literal, batches))
    types, source = TYPES[declared.entity], declared.source
    parsed = "".join(
        f", {casts.value(c.column, types[c.column], source.time_format, source.time_zone)} as {c.label}"
        for c in checks
        if c.name in _TYPE_CHECKS.values()
    )
    rows = ibis.duckdb.from_connection(connection).sql(
        f"select *{parsed} from raw.{declared.entity} where _batch_id in ({ids})"
    )
    failures = {c.label: _fails(rows, c).sum() for c in checks}
    grouped = rows.group_by(batch_id=rows._batch_id).aggregate(records=rows.count(), **failures)
    return grouped.order_by("batch_id").to_pyarrow()


def _fails(rows: Any, check: Check) -> Any:
    """A boolean ibis column: whether a value breaks the promise."""
    column = rows[check.column]
    if check.name == "not_null":
        return column.isnull()
    if check.name == "is_event_type":
        return column.notnull() & column.notin(EVENT_TYPES)
    return column.notnull() & rows[check.label].isnull()


@dataclass(frozen=True)
class _Breach:
    batch_id: str
    check: Check
    share: float
    impossible: bool


def _breaches(
    connection: duckdb.DuckDBPyConnection, measured: pa.Table, checks: list[Check]
) -> list[_Breach]:
    """The checks that too many values fail, found with pandera."""
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
    connection: duckdb.DuckDBPyConnection, declared: Declaration[Any], breach: _Breach, file: str
) -> SourceError:
    column, name = breach.check.column, breach.check.name
    if name == "not_null":
        return SourceError(
            f"{file}: {column} is empty in every record",
            code="empty-key",
            where=declared.where(f"columns.{column}"),
            help="map the source's column that identifies a record",
        )
    values = connection.execute(
        f"select distinct {column} from raw.{declared.entity} where _batch_id = ? order by all limit 3",
        [breach.batch_id],
    ).fetchall()
    expected = {
        "is_time": f"a time ({declared.source.time_format})",
        "is_number": "a number",
        "is_event_type": f"one of {', '.join(EVENT_TYPES)}",
    }[name]
    key = "time_format" if name == "is_time" else f"columns.{column}"
    return SourceError(
        f"{file}: no value of {column} is {expected}",
        code="wrong-values",
        where=declared.where(key),
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
