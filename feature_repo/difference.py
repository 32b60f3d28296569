"""What a view's online rows should be at `as_of`, against what was last written to Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from feature_repo.manifest import CREATED_AT, EVENT_TIMESTAMP, Model
from recomart.settings import Settings
from recomart.snapshots import Snapshot
from recomart.sql import identifier, literal
from recomart.warehouse import apply_limits

BATCH_ROWS = 50_000
STATE = "recomart_state"


class Difference:
    """One view's difference, inside a DuckDB connection of its own that spills to disk.

    Args:
        last: the rows as last written, with the id of that state; absent before the first time.
    """

    def __init__(self, settings: Settings, snapshot: Snapshot, model: Model, last: Path) -> None:
        self._model = model
        self._last = last
        self._connection = duckdb.connect()
        apply_limits(self._connection, settings)
        keys = _columns(model.join_keys)
        features = [column.name for column, _ in model.features]
        self._connection.execute(
            f"""
            create table newest as
            select {_columns((*model.join_keys, EVENT_TIMESTAMP, *features))}
            from read_parquet(?)
            where {EVENT_TIMESTAMP} <= ?
            qualify row_number() over (
                partition by {keys} order by {EVENT_TIMESTAMP} desc, {CREATED_AT} desc
            ) = 1
            """,
            [str(snapshot.file(model.name)), snapshot.as_of.replace(tzinfo=None)],
        )

    def close(self) -> None:
        self._connection.close()

    @property
    def rows(self) -> int:
        """How many entities the view has at `as_of`."""
        return self._count("newest")

    def state(self) -> str | None:
        """The id of the state last written; None when there is none or its columns differ."""
        if not self._last.exists():
            return None
        found = self._connection.execute(
            "select decode(value) from parquet_kv_metadata(?) where decode(key) = ?",
            [str(self._last), STATE],
        ).fetchone()
        return found[0] if found and self._schema("newest") == self._schema(self._file) else None

    def changed(self) -> int:
        """Prepare the rows that are new or differ from the last state, and return how many."""
        self._connection.execute(
            f"create or replace table changed as from newest except from {self._file}"
        )
        return self._count("changed")

    def changed_rows(self, *, everything: bool = False) -> Iterator[pa.Table]:
        """The rows to write, in batches: those of `changed`, or every one."""
        table = "newest" if everything else "changed"
        reader = self._connection.execute(f"from {table}").to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            yield pa.Table.from_batches([batch])

    def gone(self) -> list[tuple[str, ...]]:
        """Entities of the last state that the view no longer has at `as_of`."""
        keys = _columns(self._model.join_keys)
        found = self._connection.execute(
            f"select {keys} from {self._file} except select {keys} from newest"
        )
        return found.fetchall()

    def keys(self) -> list[tuple[str, ...]]:
        """Every entity of the view at `as_of`."""
        return self._connection.execute(
            f"select {_columns(self._model.join_keys)} from newest"
        ).fetchall()

    def save(self, state: str) -> None:
        """Keep the rows as what was last written, under a new id, in one step."""
        self._last.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._last.with_suffix(".tmp")
        self._connection.execute(
            f"""
            copy newest to {literal(temporary)}
            (format parquet, compression zstd, kv_metadata {{{STATE}: '{state}'}})
            """
        )
        temporary.replace(self._last)

    @property
    def _file(self) -> str:
        return f"read_parquet({literal(self._last)})"

    def _schema(self, relation: str) -> list[tuple[str, str]]:
        return self._connection.execute(
            f"select column_name, column_type from (describe from {relation})"
        ).fetchall()

    def _count(self, table: str) -> int:
        found = self._connection.execute(f"select count(*) from {table}").fetchone()
        return int(found[0]) if found else 0


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(map(identifier, names))
