"""Loading a shop's declared sources into schema raw of its warehouse."""

from __future__ import annotations

from ingestion import ledger
from ingestion.loader import Loader
from ingestion.lock import only_ingest
from ingestion.summary import IngestSummary
from recomart.errors import NotReady
from recomart.lake import open_lake
from recomart.settings import Settings
from recomart.shop.file import load_shop
from recomart.step import Progress, no_progress
from recomart.warehouse import warehouse

__all__ = ["IngestSummary", "declare", "fold", "ingest"]


def ingest(settings: Settings, *, progress: Progress = no_progress) -> IngestSummary:
    """Load what is new in the shop's sources; what was loaded before is left alone.

    Each file or fetch is one batch: landed first, then loaded in one transaction with its ledger
    row. A batch that fails is in the ledger with its error and is tried again next time; the
    others load. Batches whose declaration changed in the shop file are made anew from what landed.

    Raises:
        ShopFileError: the shop file is wrong.
        WarehouseLocked: another process holds the warehouse, or another ingest runs.
        SourceError: some file or the catalogue could not be taken. It names all of them; what
            else there was is loaded.
    """
    open_lake(settings)
    shop = load_shop(settings)
    summary = IngestSummary()
    loader = Loader(settings, shop, summary, progress)
    with only_ingest(settings):
        with warehouse(settings) as connection:
            ledger.create_tables(connection)
            ledger.write_shop(connection, settings.shop_name, shop.shop)
            loader.plan(connection)
        loader.fetch()
        with warehouse(settings) as connection:
            loader.load(connection)
    summary.raise_failures()
    return summary


def fold(settings: Settings) -> IngestSummary:
    """Load what the stream has sealed since, and look at no other source: quick, after an ingest.

    Raises:
        ShopFileError, WarehouseLocked: as in `ingest`.
        SourceError: a segment is damaged; the others are loaded.
    """
    summary = IngestSummary()
    loader = Loader(settings, load_shop(settings), summary, no_progress)
    with only_ingest(settings), warehouse(settings) as connection:
        ledger.create_tables(connection)
        loader.plan(connection)
        loader.fold(connection)
    summary.raise_failures()
    return summary


def declare(settings: Settings) -> None:
    """Tell the warehouse what the shop file says now, without loading anything.

    So a rule that was mended counts at the next transform. An `as_of: now` keeps the moment of the
    last ingest: nothing has arrived since. A changed mapping counts at the next ingest only.

    Raises:
        ShopFileError: the shop file is wrong.
        WarehouseLocked: another process holds the warehouse.
        NotReady: nothing was ingested that a shop could learn from.
    """
    open_lake(settings)
    shop = load_shop(settings)
    with warehouse(settings, read_only=True):
        pass  # a lake without a warehouse has nothing to declare to
    with warehouse(settings) as connection:
        ledger.create_tables(connection)
        ledger.write_shop(connection, settings.shop_name, shop.shop, ingesting=False)
        if not ledger.has_facts(connection):
            raise NotReady(
                "the lake has no rating, order line or event yet",
                where=str(shop.path),
                found="raw.ratings, raw.transactions and raw.events without a row",
                help="see that the files hold rows, or let events come by 'recomart stream'; "
                "then run 'recomart ingest'",
            )
