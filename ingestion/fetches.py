"""Catalogues on their way in: fetched and landed while the warehouse is free, loaded later."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from ingestion import ledger
from ingestion.batch import Landed, NothingNew, Target, load_batches
from ingestion.batches import Batches
from ingestion.failures import FAILURES, explained
from ingestion.ledger import Fetched, Load
from ingestion.sources.api import Catalogue, Known
from ingestion.sources.pages import framed
from recomart.settings import Settings
from recomart.shop.file import ShopFile
from recomart.shop.model import ApiSource, MadeSource


@dataclass(frozen=True)
class _Fetch:
    """A fetched catalogue that waits for its load."""

    target: Target
    landed: Landed
    fetched: Fetched
    partial: bool
    """It has only what changed since the last fetch, which may be nothing."""


class Fetches:
    """The catalogues of one ingest. Making it and `load` need the warehouse, `fetch` does not."""

    def __init__(
        self,
        settings: Settings,
        shop: ShopFile,
        batches: Batches,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        """Reads what is known of each catalogue since its last fetch."""
        self._settings = settings
        self._shop = shop
        self._batches = batches
        self._known: dict[str, Known] = {}
        self._fetches: list[_Fetch] = []
        self._failures: list[Load] = []
        fetched = ledger.read_fetched(connection)
        for entity, source in shop.shop.sources().items():
            if isinstance(source, ApiSource):
                last = fetched.get(entity)
                self._known[entity] = Known(
                    ledger.newest_change(connection, entity, source.time_format),
                    last.url if last else None,
                    last.etag if last else None,
                )

    @property
    def batch_ids(self) -> set[str]:
        """The batches that wait for their load."""
        return {fetch.landed.load.batch_id for fetch in self._fetches}

    def fetch(self, target: Target, source: ApiSource) -> None:
        """Land a catalogue, unless it is what was loaded before."""
        known = self._known[target.entity]
        catalogue = Catalogue(self._settings, self._shop, target.entity, source, known)
        load = self._batches.new_load(target, "api", catalogue.shown)
        try:
            landed = self._batches.zone.land(
                "api", target.entity, f"{load.batch_id}.pages", load.day, framed(catalogue.bodies())
            )
        except FAILURES as exc:
            self._failures.append(self._batches.failure(load, explained(catalogue.shown, exc)))
            return
        load = self._batches.with_file(load, landed)
        if landed.size == 0 or (target.entity, landed.sha256) in self._batches.loaded:
            self._batches.zone.discard(landed)
            self._batches.unchanged(target.entity, catalogue.shown)
            return
        path, old = landed.path, self._batches.failed.of(target.entity, landed.sha256)
        if old is not None:
            self._batches.zone.discard(landed)
            load, path = self._batches.again(old, target, catalogue.shown)
        fetched = Fetched(target.entity, catalogue.url, catalogue.etag, ledger.utc_now())
        partial = catalogue.since is not None
        self._fetches.append(_Fetch(target, Landed(load, path), fetched, partial))

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load what was fetched, and write into the ledger what could not be."""
        if self._failures:
            ledger.write_loads(connection, self._failures)
        for fetch in self._fetches:
            self._load(connection, fetch)

    def _load(self, connection: duckdb.DuckDBPyConnection, fetch: _Fetch) -> None:
        sources = self._shop.shop.sources().values()
        is_origin = any(
            isinstance(source, MadeSource) and source.made_from == fetch.target.entity
            for source in sources
        )
        try:
            # what is made from these pages may be new though the entity itself is not
            outcome = load_batches(
                connection,
                fetch.target,
                [fetch.landed],
                only_news=fetch.partial and not is_origin,
            )
        except NothingNew:
            load = fetch.landed.load
            if self._batches.failed.of(load.entity, load.sha256) is None:
                fetch.landed.path.unlink()
            self._batches.unchanged(load.entity, load.source_file)
        except FAILURES as exc:
            failure = self._batches.failure(
                fetch.landed.load, explained(fetch.landed.load.source_file, exc)
            )
            ledger.write_loads(connection, [failure])
            return
        else:
            self._batches.took(outcome)
        ledger.write_fetched(connection, fetch.fetched)
