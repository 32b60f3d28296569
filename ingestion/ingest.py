"""Loading a shop's declared sources into schema raw of its warehouse: observe, plan, execute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import duckdb

from ingestion import ledger, shop_table
from ingestion.declaration import Declaration, Suggest, by_name_alone, declarations
from ingestion.execute import Executor
from ingestion.failures import FAILURES, explained
from ingestion.history import History
from ingestion.landing import LandingZone
from ingestion.plan import Entity, Land, Seen, plan_fetches, plan_loads, worth_fingerprinting
from ingestion.sources import NOTHING_KNOWN, SOURCES, Found, Memory
from ingestion.sources.stream import ENTITY, SOURCE, StreamSource
from ingestion.summary import IngestSummary
from recomart.batches import read_batches
from recomart.errors import NotReady, WarehouseLocked
from recomart.lake import open_lake
from recomart.locks import LockTaken, at_once
from recomart.settings import Settings
from recomart.shop.file import ShopFile, load_shop
from recomart.step import Progress, no_progress
from recomart.warehouse import warehouse

__all__ = ["IngestSummary", "declare", "fold", "ingest", "only_ingest"]


def ingest(
    settings: Settings, *, progress: Progress = no_progress, suggest: Suggest = by_name_alone
) -> IngestSummary:
    """Load what is new in the shop's sources; what was loaded before is left alone.

    Each object (file, fetch, segment) is one batch: landed first, then loaded in one transaction
    with its ledger row. A batch that fails is in the ledger with its error and is tried again next
    time; the others load. Batches whose declaration changed in the shop file are loaded again from
    the bytes that landed.

    Args:
        suggest: guesses which column is meant when a declared one is missing.

    Raises:
        ShopFileError: the shop file is wrong.
        WarehouseLocked: another process has the warehouse open, or another ingest runs.
        SourceError: some objects could not be taken. It names all of them; the others are loaded.
    """
    open_lake(settings)
    shop = load_shop(settings)
    declared = declarations(settings, shop, suggest)
    for one in declared.values():
        one.check()
    with only_ingest(settings):
        with warehouse(settings) as connection:
            ledger.create_tables(connection)
            shop_table.write_shop(connection, settings.shop_name, shop.shop)
            history = History.of(read_batches(connection), settings.lake)
            memories = _memories(connection, declared)
        zone = _zone(settings, history)
        executor = Executor(settings.lake, declared, history, zone, progress)
        entities = [_entity(one, memories[name]) for name, one in declared.items()]
        last_number = max(zone.last_batch, history.last_number)

        objects = _discover(executor, declared, memories, history, "remote")
        fetches = plan_fetches(history, entities, objects, last_number=last_number)
        arrived = executor.fetch(fetches)
        loads = plan_loads(
            history,
            entities,
            _discover(executor, declared, memories, history, "local"),
            arrived=arrived,
            segments=_segments(settings, shop),
            last_number=last_number + sum(isinstance(action, Land) for action in fetches),
        )
        with warehouse(settings) as connection:
            executor.load(connection, loads)
        zone.warn_of_orphans()
    summary = executor.summary()
    summary.raise_failures()
    return summary


def fold(settings: Settings) -> IngestSummary:
    """Load what the stream has sealed since, and look at no other source: quick, after an ingest.

    Raises:
        ShopFileError, WarehouseLocked: as in `ingest`.
        SourceError: a segment is damaged; the others are loaded.
    """
    shop = load_shop(settings)
    with only_ingest(settings), warehouse(settings) as connection:
        ledger.create_tables(connection)
        history = History.of(read_batches(connection), settings.lake)
        zone = _zone(settings, history)
        executor = Executor(settings.lake, {}, history, zone, no_progress)
        last_number = max(zone.last_batch, history.last_number)
        segments = _segments(settings, shop)
        executor.load(
            connection,
            plan_loads(history, (), {}, segments=segments, last_number=last_number),
        )
    summary = executor.summary()
    summary.raise_failures()
    return summary


def declare(settings: Settings) -> None:
    """Write what the shop file says now into the warehouse, without loading anything.

    So a rule that was fixed counts at the next transform. An `as_of: now` keeps the moment of the
    last ingest, because nothing has arrived since. A changed mapping counts at the next ingest.

    Raises:
        ShopFileError: the shop file is wrong.
        WarehouseLocked: another process has the warehouse open.
        NotReady: nothing was ingested that a shop could learn from.
    """
    open_lake(settings)
    shop = load_shop(settings)
    with warehouse(settings, read_only=True):
        pass  # a lake without a warehouse has nothing to declare to
    with warehouse(settings) as connection:
        ledger.create_tables(connection)
        shop_table.write_shop(connection, settings.shop_name, shop.shop, ingesting=False)
        if not ledger.has_facts(connection):
            raise NotReady(
                "the lake has no rating, order line or event yet",
                where=str(shop.path),
                found="raw.ratings, raw.transactions and raw.events without a row",
                help="see that the files have rows, or let events come by 'recomart stream'; "
                "then run 'recomart ingest'",
            )


@contextmanager
def only_ingest(settings: Settings) -> Iterator[None]:
    """Allow one ingest at a time in a lake: two would take each other's files for leftovers.

    Raises:
        WarehouseLocked: another ingest runs; names its PID.
    """
    path = settings.run_files / "ingest.lock"
    with ExitStack() as stack:
        try:
            stack.enter_context(at_once(path))
        except LockTaken as exc:
            raise WarehouseLocked(
                f"another ingest is at work on this lake, PID {exc.pid}",
                where=str(path),
                help=f"wait until it ends, or run 'kill {exc.pid}'; then run the same command again",
            ) from exc
        yield


def _memories(
    connection: duckdb.DuckDBPyConnection, declared: Mapping[str, Declaration[Any]]
) -> dict[str, Memory]:
    """What earlier ingests remembered of each entity's source."""
    versions = ledger.read_versions(connection)
    return {
        entity: Memory(
            ledger.newest_change(connection, entity, one.source.kind, one.source.time_format),
            versions.get(entity, {}),
        )
        if one.kind.place == "remote"
        else Memory()
        for entity, one in declared.items()
    }


def _zone(settings: Settings, history: History) -> LandingZone:
    landing = [kind.name for kind in SOURCES if kind.place != "lake"]
    named = {batch.landed_file for batch in history.batches if batch.landed_file}
    return LandingZone(settings.raw, landing, named, history.kept_bytes)


def _entity(declared: Declaration[Any], memory: Memory) -> Entity:
    return Entity(
        declared.entity,
        declared.source.kind,
        None if declared.kind.place == "lake" else declared.mapping,
        declared.origin,
        memory.versions,
    )


def _discover(
    executor: Executor,
    declared: Mapping[str, Declaration[Any]],
    memories: Mapping[str, Memory],
    history: History,
    place: str,
) -> dict[str, list[Seen]]:
    """The objects that the sources of a place have now. A source with a problem has none."""
    objects: dict[str, list[Seen]] = {}
    for entity, one in declared.items():
        if one.origin is not None or one.kind.place != place:
            continue
        try:
            discovery = one.kind.discover(one, memories[entity])
        except FAILURES as exc:
            executor.refuse(entity, explained(entity, exc))
            continue
        if discovery.problems:
            executor.refuse(entity, discovery.problems[0])
            continue
        objects[entity] = _seen(one, discovery.objects, history)
    return objects


def _seen(declared: Declaration[Any], objects: tuple[Found, ...], history: History) -> list[Seen]:
    """Objects with their fingerprints, where these may save the landing."""
    seen = []
    for found, asked in zip(
        objects, worth_fingerprinting(history, declared.entity, objects), strict=True
    ):
        known = NOTHING_KNOWN
        if asked:
            with suppress(OSError):  # its landing will report it
                known = declared.kind.fingerprint(declared, found)
        seen.append(Seen(found, known))
    return seen


def _segments(settings: Settings, shop: ShopFile) -> tuple[Found, ...]:
    """The sealed segments of the stream, which may come whatever the shop file declares."""
    declared = Declaration(settings, shop, ENTITY, StreamSource.model_validate(StreamSource.kind))
    return SOURCE.discover(declared, Memory()).objects
