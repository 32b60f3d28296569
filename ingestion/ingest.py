"""Loading a shop's declared sources into schema raw of its warehouse: observe, plan, execute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from feature_store.ledger import read_batches
from ingestion import ledger, shop_table
from ingestion.actions import Land
from ingestion.declaration import Suggest, by_name_alone, declarations
from ingestion.execute import Executor
from ingestion.history import History
from ingestion.journal import Journal
from ingestion.lookups import with_lookups
from ingestion.observe import (
    discover,
    entity_of,
    landing_zone,
    memories_of,
    sealed_segments,
)
from ingestion.plan import plan_fetches, plan_loads
from ingestion.shop_file import load_shop
from ingestion.sources import check_keys
from ingestion.summary import IngestSummary
from recomart.errors import NotReady, WarehouseLocked
from recomart.lake import open_lake
from recomart.locks import LockTaken, at_once
from recomart.settings import Settings
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
        check_keys(one)
    with only_ingest(settings):
        with warehouse(settings) as connection:
            ledger.create_tables(connection)
            shop_table.write_shop(connection, settings.shop_name, shop.shop)
            history = History.of(read_batches(connection), settings.lake)
            memories = memories_of(connection, declared)
        zone, journal = landing_zone(settings, history), Journal(history)
        declared = with_lookups(settings, declared, journal)
        entities = [entity_of(one, memories[name]) for name, one in declared.items()]
        last_number = max(zone.last_batch, history.last_number)
        remote = discover(journal, declared, memories, history, "remote")
        keys = {entity: {s.found.remembered_as for s in seen} for entity, seen in remote.items()}
        executor = Executor(settings.lake, declared, history, zone, journal, progress, keys)

        fetches = plan_fetches(history, entities, remote, last_number=last_number)
        arrived = executor.fetch(fetches)
        loads = plan_loads(
            history,
            entities,
            discover(journal, declared, memories, history, "local"),
            arrived=arrived,
            segments=sealed_segments(settings, shop),
            last_number=last_number + sum(isinstance(action, Land) for action in fetches),
        )
        with warehouse(settings) as connection:
            executor.load(connection, loads)
        zone.warn_of_orphans()
    summary = journal.summary()
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
        zone, journal = landing_zone(settings, history), Journal(history)
        last_number = max(zone.last_batch, history.last_number)
        segments = sealed_segments(settings, shop)
        folds = plan_loads(history, (), {}, segments=segments, last_number=last_number)
        Executor(settings.lake, {}, history, zone, journal, no_progress, {}).load(connection, folds)
    summary = journal.summary()
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
