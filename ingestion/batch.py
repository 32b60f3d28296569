"""One landed file into the warehouse: rows, rejects, contract results and ledger row, or nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion import contracts, headers, ledger, mapping
from ingestion.ledger import Load
from ingestion.readers import parquet_records, text
from ingestion.readers.csv_header import dialect_of
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_values import JsonColumns, schema
from ingestion.readers.records import LineCounts
from ingestion.sources import pages
from recomart.errors import SourceError
from recomart.shop.file import ShopFile
from recomart.shop.model import ENTITIES, KEYS, ApiSource, FileSource, ReadSource
from recomart.sql import literal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """What a batch is loaded with: its entity, its declaration, and the shop file for messages."""

    entity: str
    source: ReadSource
    shop: ShopFile

    @classmethod
    def of(cls, shop: ShopFile, entity: str) -> Target:
        """The target of an entity that the shop declares."""
        return cls(entity, shop.shop.read_as(entity), shop)

    @property
    def distinct(self) -> bool:
        """Whether equal records of a batch are one: in a list made from another entity's records."""
        return self.shop.shop.is_made_list(self.entity)

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides which rows the same bytes become."""
        return mapping.fingerprint(self.source, distinct=self.distinct)


@dataclass(frozen=True)
class Landed:
    """A batch that waits for its load: its ledger row so far, and its landed file."""

    load: Load
    path: Path


@dataclass(frozen=True)
class Outcome:
    """Loaded batches as the ledger has them, and the seconds that their contracts took."""

    loads: list[Load]
    contract_seconds: float


class NothingNew(Exception):
    """Every record of a batch stands in the warehouse already."""


@dataclass(frozen=True)
class _Records:
    """A landed file as batches with _record, or as SQL that DuckDB itself reads it by."""

    rows: pa.RecordBatchReader | str
    places: dict[str, str]
    """The source's column -> the SQL that holds it."""
    tally: LineCounts
    check: Callable[[], None]
    """What to check once they are read."""


class _Stream:
    """Batches on their way into DuckDB, which would lose the type of an error that they raise."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except BaseException as exc:
            self.error = exc
            raise


def load_batches(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    landed: Sequence[Landed],
    *,
    again: bool = False,
    only_news: bool = False,
) -> Outcome:
    """Load landed files of one entity in one transaction: all of them, or none.

    Many small files share a transaction, because contracts and commits cost the same for one
    record as for a million. Their ledger rows are written with them.

    Args:
        again: the batches were loaded before, with another declaration; their rows are replaced.
        only_news: refuse batches of which every record is there already.

    Raises:
        SourceError: a file cannot be taken; the warehouse is as it was.
        NothingNew: as `only_news` says; the warehouse is as it was.
        duckdb.Error: the warehouse cannot take it (memory, disk); it is as it was.
    """
    connection.execute("begin")
    try:
        done = [_load_one(connection, target, one, again) for one in landed]
        if only_news and not _has_news(connection, target.entity, [load.batch_id for load in done]):
            raise NothingNew
        started = time.perf_counter()
        contracts.check(connection, target.entity, target.source, target.shop, done)
        seconds = time.perf_counter() - started
        finished_at = ledger.utc_now()
        done = [replace(load, finished_at=finished_at) for load in done]
        ledger.write_loads(connection, done)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    for load in done:
        log.info(
            "batch %s: %s: %d records, %d rejected",
            load.batch_id, load.source_file, load.records, load.rejected,
        )  # fmt: skip
    return Outcome(done, seconds)


def _load_one(
    connection: duckdb.DuckDBPyConnection, target: Target, landed: Landed, again: bool
) -> Load:
    load, tally = landed.load, LineCounts(name=landed.load.source_file)
    if again:
        ledger.forget_rows(connection, load)
    records = _open(connection, target, load, landed.path, tally)
    inserted = _insert(connection, target, load, records)
    tally.check_share(load.source_file)
    records.check()
    tally.check_balance(load.source_file)
    if target.distinct:
        # its lines are accounted for in the batch of the entity that it is made from
        tally = LineCounts(lines=inserted, records=inserted)
    if inserted != tally.records:
        raise SourceError(
            f"{load.source_file} has {tally.records:,} records, but {inserted:,} arrived",
            code="records-lost",
            help="nothing was loaded from it; please report this file",
        )
    ledger.write_rejects(connection, load, tally.rejects)
    return replace(
        load,
        lines=tally.lines,
        header=tally.header,
        blank=tally.blank,
        continuation=tally.continuation,
        rejected=tally.rejected,
        records=tally.records,
        status=ledger.LOADED,
        error=None,
        mapping=target.fingerprint,
    )


def _has_news(connection: duckdb.DuckDBPyConnection, entity: str, batches: list[str]) -> bool:
    listed = ", ".join(ENTITIES[entity])
    row = connection.execute(
        f"select 1 from (select {listed} from raw.{entity} where _batch_id in (select unnest(?))\n"
        f"except select {listed} from raw.{entity} where _batch_id not in (select unnest(?))) "
        "limit 1",
        [batches, batches],
    ).fetchone()
    return row is not None


def _insert(
    connection: duckdb.DuckDBPyConnection, target: Target, load: Load, records: _Records
) -> int:
    """Write the records into raw.<entity>; how many there were."""
    if isinstance(records.rows, str):
        return _insert_from(connection, target, load, records, records.rows)
    stream = _Stream(iter(records.rows))
    reader = pa.RecordBatchReader.from_batches(records.rows.schema, stream)
    connection.register("incoming", reader)
    try:
        return _insert_from(connection, target, load, records, "incoming")
    except (duckdb.Error, pa.ArrowException) as exc:
        if stream.error is not None:
            raise stream.error from None
        raise exc
    finally:
        connection.unregister("incoming")


def _insert_from(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    load: Load,
    records: _Records,
    relation: str,
) -> int:
    columns = mapping.select_list(target.entity, target.source, records.places)
    mapped = f"select {columns},\n    _record from {relation}"
    if target.distinct:
        # an entry stands where it was last seen, so that the one seen last is the newest
        listed = ", ".join(ENTITIES[target.entity])
        key = " and ".join(f"{column} is not null" for column in KEYS[target.entity])
        mapped = (
            f"select {listed}, max(_record) as _record from ({mapped}) where {key} "
            f"group by {listed} order by max(_record)"
        )
    inserted = connection.execute(
        f"insert into raw.{target.entity} by name select *,\n"
        f"    {literal(load.batch_id)} as _batch_id, {literal(load.source_file)} as _source_file,\n"
        f"    cast(? as timestamp) as _loaded_at\nfrom ({mapped})",
        [load.started_at],
    ).fetchone()
    return int(inserted[0]) if inserted else 0


def _open(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    load: Load,
    landed: Path,
    tally: LineCounts,
) -> _Records:
    source = target.source
    if not isinstance(source, FileSource):
        return _open_pages(target, landed, tally)
    if source.format == "jsonl":
        return _open_json_lines(target, load, landed, tally)
    if source.format == "parquet":
        headers.check_parquet(landed, load.source_file, source, target.shop, target.entity)
        file = parquet_records.opened(connection, landed, source.reads)
        tally.lines = tally.records = file.records
        return _Records(file.relation, file.places, tally, lambda: None)
    names = headers.check_csv(landed, load.source_file, source, target.shop, target.entity)
    dialect = dialect_of(source, len(names))
    reader = CsvReader(dialect, tally, header=source.header)
    batches = reader.batches(text.pieces(landed, source.encoding))
    return _Records(
        pa.RecordBatchReader.from_batches(dialect.schema, batches),
        dict(zip(names, dialect.names, strict=True)),
        tally,
        lambda: None,
    )


def _open_json_lines(target: Target, load: Load, landed: Path, tally: LineCounts) -> _Records:
    source = target.source
    assert isinstance(source, FileSource), "only files hold JSON lines"
    columns = JsonColumns(source.reads)
    batches = JsonLinesReader(columns, tally).batches(text.pieces(landed, source.encoding))

    def check() -> None:
        headers.check_keys(columns, tally, load.source_file, target.shop, target.entity, source)

    return _of_json(columns, batches, tally, check)


def _open_pages(target: Target, landed: Path, tally: LineCounts) -> _Records:
    source = target.source
    assert isinstance(source, ApiSource), "only catalogues have pages"
    columns = JsonColumns(source.reads)
    batches = pages.batches(landed, source, columns, tally)

    def check() -> None:
        headers.check_items(columns, tally, target.shop, target.entity, target.source)

    return _of_json(columns, batches, tally, check)


def _of_json(
    columns: JsonColumns,
    batches: Iterator[pa.RecordBatch],
    tally: LineCounts,
    check: Callable[[], None],
) -> _Records:
    return _Records(
        pa.RecordBatchReader.from_batches(schema(columns.paths), batches),
        {path: f"c{i}" for i, path in enumerate(columns.paths)},
        tally,
        check,
    )
