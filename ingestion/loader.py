"""The course of one ingest: what is new lands, loads, and is in the ledger, whatever else fails."""

from __future__ import annotations

import logging
from dataclasses import replace

import duckdb

from ingestion import folding, headers, ledger
from ingestion.batch import Landed, Target, load_batches
from ingestion.batches import Batches
from ingestion.failures import FAILURES, as_received, explained, not_reloadable
from ingestion.fetches import Fetches
from ingestion.receiving import Receiving
from ingestion.sources import segments
from ingestion.sources.files import find_files
from ingestion.summary import IngestSummary
from recomart.errors import SourceError
from recomart.settings import Settings
from recomart.shop.file import ShopFile
from recomart.shop.model import ApiSource, FileSource, MadeSource, ReadSource
from recomart.step import Progress

log = logging.getLogger(__name__)


class Loader:
    """One ingest. `plan` needs the warehouse, `fetch` does not, `load` needs it again."""

    def __init__(
        self, settings: Settings, shop: ShopFile, summary: IngestSummary, progress: Progress
    ) -> None:
        self._settings = settings
        self._shop = shop
        self._summary = summary
        self._progress = progress

    def plan(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read the ledger, and clear what an interrupted ingest left in the landing zone.

        Raises:
            ShopFileError: a source's encoding is unknown.
        """
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, FileSource):
                headers.check_encoding(source, self._shop, entity)
        self._batches = Batches(self._settings, ledger.read_loads(connection), self._summary)
        self._fetches = Fetches(self._settings, self._shop, self._batches, connection)

    def fetch(self) -> None:
        """Land the catalogues. The warehouse is free meanwhile, for this may take long."""
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, ApiSource):
                self._progress(f"fetch {entity}", 0, 0)
                self._fetches.fetch(Target(entity, source, self._shop), source)

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load what was fetched and every new file; make anew what was declared otherwise."""
        self._reload(connection)
        self._retry(connection)
        self._fetches.load(connection)
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, FileSource):
                self._load_files(connection, Target(entity, source, self._shop), source)
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, MadeSource):
                self._load_made(connection, Target.of(self._shop, entity), source.made_from)
        if replaced := self._batches.failed.replaced():
            ledger.write_loads(connection, replaced)
        self.fold(connection)
        for path in self._batches.zone.orphans():
            log.warning("landed file %s is in no batch, and its source is gone; it is kept", path)

    def _reload(self, connection: duckdb.DuckDBPyConnection) -> None:
        sources = self._shop.shop.sources()
        for old in self._batches.good:
            declared = sources.get(old.entity)
            if old.source == segments.SOURCE or not isinstance(declared, ReadSource | MadeSource):
                continue
            target = Target.of(self._shop, old.entity)
            if old.mapping == target.fingerprint:
                continue
            path = self._settings.lake / (old.landed_file or "")
            if (old.source == "api") != isinstance(target.source, ApiSource) or not path.is_file():
                self._summary.failures[old.source_file] = not_reloadable(old, path, self._shop)
                continue
            again = replace(old, started_at=ledger.utc_now())
            try:
                outcome = load_batches(connection, target, [Landed(again, path)], again=True)
            except FAILURES as exc:
                error = as_received(explained(old.source_file, exc), path, old.source_file)
                log.error("reload of batch %s: %s", old.batch_id, error)
                self._summary.failures[old.source_file] = error
            else:
                self._summary.reloaded += outcome.loads
                self._summary.contract_seconds += outcome.contract_seconds

    def _retry(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load from their landed bytes those that failed with another declaration, or by chance.

        Their source may be gone. They come before what is new, for they were received before it.
        """
        fetched = self._fetches.batch_ids
        for entity, source in self._shop.shop.sources().items():
            if not isinstance(source, ReadSource):
                continue
            target = Target.of(self._shop, entity)
            waiting = [
                Landed(*self._batches.again(old, target, old.source_file))
                for old in self._batches.failed.worth_trying(entity, target.fingerprint)
                if old.batch_id not in fetched
                and old.source != segments.SOURCE
                and (old.source == "api") == isinstance(source, ApiSource)
            ]
            self._batches.loaded |= {(entity, one.load.sha256) for one in waiting}
            self._batches.load_in_groups(connection, target, waiting)

    def _load_files(
        self, connection: duckdb.DuckDBPyConnection, target: Target, source: FileSource
    ) -> None:
        try:
            files = find_files(self._settings, self._shop, target.entity, source)
        except SourceError as exc:
            self._summary.failures[target.entity] = exc
            return
        receiving = Receiving(self._batches, self._summary, self._progress)
        received = receiving.received(connection, target, source, files)
        self._batches.load_in_groups(connection, target, received)

    def _load_made(
        self, connection: duckdb.DuckDBPyConnection, target: Target, origin: str
    ) -> None:
        """Load an entity from the landed bytes of another one's batches."""
        waiting: list[Landed] = []
        for load in (*self._batches.good, *self._summary.loaded):
            if load.entity != origin or (target.entity, load.sha256) in self._batches.loaded:
                continue
            if load.source == segments.SOURCE:
                continue  # it has an event's fields, and not those of the declared source
            made = self._batches.failed.of(target.entity, load.sha256)
            made = replace(
                self._batches.new_load(target, load.source, load.source_file)
                if made is None
                else made,
                landed_file=load.landed_file,
                sha256=load.sha256,
                bytes=load.bytes,
            )
            self._batches.loaded.add((target.entity, load.sha256))
            waiting.append(Landed(*self._batches.again(made, target, load.source_file)))
        self._batches.load_in_groups(connection, target, waiting)

    def fold(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load the stream's segments that were sealed since the last ingest, oldest first."""
        folding.fold(connection, self._batches, self._settings.raw)
