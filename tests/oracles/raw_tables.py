"""Hand-made raw tables, exactly as ingestion leaves them, without going through files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from feature_store.ledger import LOADED, BatchRecord
from ingestion import ledger
from ingestion.mapping import MARKS
from ingestion.shop_table import write_shop
from recomart.shop.entities import CANCELLED
from recomart.shop.model import ENTITIES, Shop

Row = Mapping[str, object]
LOADED_AT = datetime(2025, 1, 1)


@dataclass(frozen=True)
class RawShop:
    """A shop's raw layer.

    A row's value may be any object; it is stored as its text. `_batch_id` in a row puts it into
    that batch, else it is in batch "1". An entity that is not given is not declared.
    """

    rows: Mapping[str, Iterable[Row]]
    declared: Mapping[str, object] = field(default_factory=dict)
    """Keys of the shop file itself, such as as_of, rating_scale, opened_at."""
    time_formats: Mapping[str, str] = field(default_factory=dict)
    time_zones: Mapping[str, str] = field(default_factory=dict)
    loaded_at: datetime = LOADED_AT
    rules: Mapping[str, object] = field(default_factory=dict)
    """Its `rules:`."""
    sources: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Keys of an entity's source, over those of plain files. With `made_from` it has no files."""
    list_origins: Iterable[tuple[str, str, int, int]] = ()
    """Rows of raw._list_origins. Batches "1" of two entities have the same bytes."""

    def write(self, warehouse: Path) -> None:
        """Replace schema raw of the warehouse."""
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(warehouse))
        try:
            connection.execute("drop schema if exists raw cascade")
            ledger.create_tables(connection)
            for entity in ENTITIES:
                self._write_entity(connection, entity)
            for origin in self.list_origins:
                connection.execute("insert into raw._list_origins values (?, ?, ?, ?)", origin)
            self.declare(connection)
        finally:
            connection.close()

    @property
    def shop(self) -> Shop:
        """The shop file that these tables would come from: every column of each entity is mapped."""
        sources = {
            entity: ({} if "made_from" in more else {"files": f"{entity}.csv"})
            | {
                "time_format": self.time_formats.get(entity, "iso"),
                "time_zone": self.time_zones.get(entity),
                "columns": {column: column for column in ENTITIES[entity]},
            }
            | dict(more)
            for entity in self.rows
            for more in [self.sources.get(entity, {})]
        }
        constants = {"title": "Test shop", "relevant_rating": 4} | dict(self.declared)
        return Shop.model_validate(constants | sources | {"rules": self.rules})

    def declare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write raw._shop, as ingestion does at the time of the load."""
        write_shop(connection, "test", self.shop, at=self.loaded_at)

    def _write_entity(self, connection: duckdb.DuckDBPyConnection, entity: str) -> None:
        columns = ENTITIES[entity]
        counts: dict[str, int] = {}
        values = []
        for row in self.rows.get(entity, ()):
            batch = f"{entity}-{row.get('_batch_id', '1')}"
            counts[batch] = counts.get(batch, 0) + 1
            texts = [None if row.get(c) is None else str(row[c]) for c in columns]
            number = row.get("_record", counts[batch])
            marks = [row.get(mark) for mark in MARKS if entity == CANCELLED]
            values.append((*texts, batch, f"{batch}.csv", number, self.loaded_at, *marks))
        if values:
            names = [*columns, "_batch_id", "_source_file", "_record", "_loaded_at"]
            names += MARKS if entity == CANCELLED else []
            arrays = [pa.array(column) for column in zip(*values, strict=True)]
            connection.register("received", pa.table(arrays, names=names))
            connection.execute(f"insert into raw.{entity} select * from received")
            connection.unregister("received")
        batches = [
            BatchRecord(
                batch_id=batch,
                source="files",
                entity=entity,
                source_file=f"{batch}.csv",
                sha256=batch.removeprefix(f"{entity}-"),
                bytes=0,
                lines=count + 1,
                header=1,
                blank=0,
                continuation=0,
                rejected=0,
                records=count,
                status=LOADED,
                started_at=self.loaded_at,
                finished_at=self.loaded_at,
            )
            for batch, count in counts.items()
        ]
        if batches:
            ledger.write_batches(connection, batches)
