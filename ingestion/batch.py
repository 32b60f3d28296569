"""One landed file into the warehouse: rows, rejects, contract results and ledger row, or nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion import contracts, headers, ledger, mapping, pages, text
from ingestion.csv_lines import CsvReader
from ingestion.json_lines import JsonLinesReader
from ingestion.json_values import JsonColumns, schema
from ingestion.ledger import Load
from ingestion.records import Tally
from recomart.shop import ENTITIES, ApiSource, FileSource, Source
from recomart.shop_file import ShopFile
from recomart.sql import literal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """What a batch is loaded with: its entity, its declaration, and the shop file for messages."""

    entity: str
    source: Source
    shop: ShopFile


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
    """A landed file as batches of c0, c1, ..., _record, and what to check when they are read."""

    reader: pa.RecordBatchReader
    places: dict[str, str]
    tally: Tally
    check: Callable[[], None]


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
    load, tally = landed.load, Tally()
    if again:
        ledger.forget_rows(connection, load)
    records = _open(target, load, landed.path, tally)
    _insert(connection, target, load, records)
    tally.check_share(load.source_file)
    records.check()
    tally.check_balance(load.source_file)
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
        mapping=mapping.fingerprint(target.source),
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
) -> None:
    stream = _Stream(iter(records.reader))
    reader = pa.RecordBatchReader.from_batches(records.reader.schema, stream)
    connection.register("incoming", reader)
    try:
        connection.execute(
            f"insert into raw.{target.entity} select\n    "
            f"{mapping.select_list(target.entity, target.source, records.places)},\n"
            f"    {literal(load.batch_id)}, {literal(load.source_file)}, _record,\n"
            "    cast(? as timestamp)\nfrom incoming",
            [load.started_at],
        )
    except (duckdb.Error, pa.ArrowException) as exc:
        if stream.error is not None:
            raise stream.error from None
        raise exc
    finally:
        connection.unregister("incoming")


def _open(target: Target, load: Load, landed: Path, tally: Tally) -> _Records:
    source = target.source
    if not isinstance(source, FileSource):
        return _open_pages(target, landed, tally)
    if source.format == "jsonl":
        return _open_json_lines(target, load, landed, tally)
    names = headers.check_csv(landed, load.source_file, source, target.shop, target.entity)
    dialect = headers.dialect_of(source, len(names))
    reader = CsvReader(dialect, tally, header=source.header)
    batches = reader.batches(text.pieces(landed, source.encoding))
    return _Records(
        pa.RecordBatchReader.from_batches(dialect.schema, batches),
        dict(zip(names, dialect.names, strict=True)),
        tally,
        lambda: None,
    )


def _open_json_lines(target: Target, load: Load, landed: Path, tally: Tally) -> _Records:
    source = target.source
    assert isinstance(source, FileSource), "only files hold JSON lines"
    columns = JsonColumns(source.reads)
    batches = JsonLinesReader(columns, tally).batches(text.pieces(landed, source.encoding))

    def check() -> None:
        headers.check_keys(columns, tally, load.source_file, target.shop, target.entity, source)

    return _of_json(columns, batches, tally, check)


def _open_pages(target: Target, landed: Path, tally: Tally) -> _Records:
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
    tally: Tally,
    check: Callable[[], None],
) -> _Records:
    return _Records(
        pa.RecordBatchReader.from_batches(schema(columns.paths), batches),
        {path: f"c{i}" for i, path in enumerate(columns.paths)},
        tally,
        check,
    )
