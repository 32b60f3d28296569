"""The course of one ingest: what is new lands, loads, and is in the ledger, whatever else fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ingestion import headers, ledger, segments
from ingestion.api import Catalogue, Known
from ingestion.batch import Landed, NothingNew, Outcome, Target, load_batches
from ingestion.failed_batches import FailedBatches
from ingestion.failures import FAILURES, as_received, explained, not_reloadable
from ingestion.files import SourceFile, find_files
from ingestion.landing import LandedFile, LandingZone
from ingestion.ledger import Fetched, Load
from ingestion.pages import framed
from ingestion.summary import IngestSummary
from recomart.errors import RecoMartError, SourceError
from recomart.files import sha256_of
from recomart.settings import Settings
from recomart.shop import ApiSource, FileSource, MadeSource, ReadSource
from recomart.shop_file import ShopFile
from recomart.step import Progress
from recomart.streams import EVENTS, SEALED

log = logging.getLogger(__name__)

GROUP_BYTES, GROUP_FILES = 16 << 20, 200
"""Files that add up to less share a transaction."""


@dataclass(frozen=True)
class _Fetch:
    """A fetched catalogue that waits for its load."""

    target: Target
    landed: Landed
    fetched: Fetched
    partial: bool
    """It has only what changed since the last fetch, which may be nothing."""


class Loader:
    """One ingest. `plan` needs the warehouse, `fetch` does not, `load` needs it again."""

    def __init__(
        self, settings: Settings, shop: ShopFile, summary: IngestSummary, progress: Progress
    ) -> None:
        self._settings = settings
        self._shop = shop
        self._summary = summary
        self._progress = progress
        self._known_api: dict[str, Known] = {}
        self._fetches: list[_Fetch] = []
        self._failed_fetches: list[Load] = []

    def plan(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read the ledger, and clear what an interrupted ingest left in the landing zone.

        Raises:
            ShopFileError: a source's encoding is unknown.
        """
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, FileSource):
                headers.check_encoding(source, self._shop, entity)
        loads = ledger.read_loads(connection)
        good = [load for load in loads if load.status == ledger.LOADED]
        self._good = good
        self._loaded = {(load.entity, load.sha256) for load in good}
        self._segments = {
            load.landed_file: load for load in loads if load.source == segments.SOURCE
        }
        self._failed = FailedBatches(loads, self._settings.lake)
        self._sizes = {(load.entity, load.bytes) for load in good} | self._failed.sizes
        self._zone = LandingZone(
            self._settings.raw,
            {load.landed_file or "" for load in loads},
            self._loaded | self._failed.held,
        )
        self._summary.loaded_before = len(good)
        self._last = max([self._zone.last_batch, *(int(load.batch_id) for load in loads)])
        fetched = ledger.read_fetched(connection)
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, ApiSource):
                last = fetched.get(entity)
                self._known_api[entity] = Known(
                    ledger.newest_change(connection, entity, source.time_format),
                    last.url if last else None,
                    last.etag if last else None,
                )

    def fetch(self) -> None:
        """Land the catalogues. The warehouse is free meanwhile, for this may take long."""
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, ApiSource):
                self._progress(f"fetch {entity}", 0, 0)
                self._fetch(Target(entity, source, self._shop), source)

    def _fetch(self, target: Target, source: ApiSource) -> None:
        known = self._known_api[target.entity]
        catalogue = Catalogue(self._settings, self._shop, target.entity, source, known)
        load = self._new_load(target, "api", catalogue.shown)
        try:
            landed = self._zone.land(
                "api", target.entity, f"{load.batch_id}.pages", load.day, framed(catalogue.bodies())
            )
        except FAILURES as exc:
            self._failed_fetches.append(self._failure(load, explained(catalogue.shown, exc)))
            return
        load = self._with_file(load, landed)
        if landed.size == 0 or (target.entity, landed.sha256) in self._loaded:
            self._zone.discard(landed)
            self._unchanged(target.entity, catalogue.shown)
            return
        path, old = landed.path, self._failed.of(target.entity, landed.sha256)
        if old is not None:
            self._zone.discard(landed)
            load, path = self._again(old, target, catalogue.shown)
        fetched = Fetched(target.entity, catalogue.url, catalogue.etag, ledger.utc_now())
        partial = catalogue.since is not None
        self._fetches.append(_Fetch(target, Landed(load, path), fetched, partial))

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load what was fetched and every new file; make anew what was declared otherwise."""
        self._reload(connection)
        self._retry(connection)
        if self._failed_fetches:
            ledger.write_loads(connection, self._failed_fetches)
        for fetch in self._fetches:
            self._load_fetch(connection, fetch)
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, FileSource):
                self._load_files(connection, Target(entity, source, self._shop), source)
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, MadeSource):
                self._load_made(connection, Target.of(self._shop, entity), source.made_from)
        if replaced := self._failed.replaced():
            ledger.write_loads(connection, replaced)
        self.fold(connection)
        for path in self._zone.orphans():
            log.warning("landed file %s is in no batch, and its source is gone; it is kept", path)

    def _reload(self, connection: duckdb.DuckDBPyConnection) -> None:
        sources = self._shop.shop.sources()
        for old in self._good:
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
        fetched = {fetch.landed.load.batch_id for fetch in self._fetches}
        for entity, source in self._shop.shop.sources().items():
            if not isinstance(source, ReadSource):
                continue
            target = Target.of(self._shop, entity)
            waiting = [
                Landed(*self._again(old, target, old.source_file))
                for old in self._failed.worth_trying(entity, target.fingerprint)
                if old.batch_id not in fetched
                and old.source != segments.SOURCE
                and (old.source == "api") == isinstance(source, ApiSource)
            ]
            self._loaded |= {(entity, one.load.sha256) for one in waiting}
            self._load_in_groups(connection, target, waiting)

    def _load_fetch(self, connection: duckdb.DuckDBPyConnection, fetch: _Fetch) -> None:
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
            if self._failed.of(load.entity, load.sha256) is None:
                fetch.landed.path.unlink()
            self._unchanged(load.entity, load.source_file)
        except FAILURES as exc:
            failure = self._failure(
                fetch.landed.load, explained(fetch.landed.load.source_file, exc)
            )
            ledger.write_loads(connection, [failure])
            return
        else:
            self._took(outcome)
        ledger.write_fetched(connection, fetch.fetched)

    def _load_files(
        self, connection: duckdb.DuckDBPyConnection, target: Target, source: FileSource
    ) -> None:
        try:
            files = find_files(self._settings, self._shop, target.entity, source)
        except SourceError as exc:
            self._summary.failures[target.entity] = exc
            return
        self._load_in_groups(connection, target, self._received(connection, target, source, files))

    def _received(
        self,
        connection: duckdb.DuckDBPyConnection,
        target: Target,
        source: FileSource,
        files: Sequence[SourceFile],
    ) -> Iterator[Landed]:
        """The files that are not loaded, landed; but those whose header does not fit, and say so."""
        sizes = [_size(file.path) for file in files]
        done, total = 0, sum(sizes)
        for file, size in zip(files, sizes, strict=True):
            self._progress(f"ingest {target.entity}", done, total)
            done += size
            landed = self._land(connection, target, file)
            if landed is None:
                continue
            try:
                headers.CHECKS[source.format](
                    file.path, file.shown, source, self._shop, target.entity
                )
            except FAILURES as exc:
                self._refuse(connection, landed, exc)
            else:
                yield landed
        self._progress(f"ingest {target.entity}", total, total)

    def _load_made(
        self, connection: duckdb.DuckDBPyConnection, target: Target, origin: str
    ) -> None:
        """Load an entity from the landed bytes of another one's batches."""
        waiting: list[Landed] = []
        for load in (*self._good, *self._summary.loaded):
            if load.entity != origin or (target.entity, load.sha256) in self._loaded:
                continue
            if load.source == segments.SOURCE:
                continue  # it has an event's fields, and not those of the declared source
            made = self._failed.of(target.entity, load.sha256)
            made = replace(
                self._new_load(target, load.source, load.source_file) if made is None else made,
                landed_file=load.landed_file,
                sha256=load.sha256,
                bytes=load.bytes,
            )
            self._loaded.add((target.entity, load.sha256))
            waiting.append(Landed(*self._again(made, target, load.source_file)))
        self._load_in_groups(connection, target, waiting)

    def fold(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load the stream's segments that were sealed since the last ingest, oldest first."""
        paths = sorted((self._settings.raw / EVENTS).glob(f"ingest_date=*/*{SEALED}"))
        waiting: list[Landed] = []
        for path in paths:
            landed_file = self._zone.relative(path)
            before = self._segments.get(landed_file)
            if before is None or before.status != ledger.LOADED:
                waiting.append(Landed(self._load_of(path, landed_file, before), path))
        for group in groups(waiting):
            self._fold_group(connection, group)

    def _fold_group(self, connection: duckdb.DuckDBPyConnection, group: list[Landed]) -> None:
        """Fold segments together; when one of them is damaged, each by itself."""
        try:
            self._took(segments.fold(connection, group))
        except FAILURES as exc:
            if len(group) > 1:
                for one in group:
                    self._fold_group(connection, [one])
                return
            load = group[0].load
            ledger.write_loads(connection, [self._failure(load, explained(load.source_file, exc))])

    def _load_of(self, path: Path, landed_file: str, before: Load | None) -> Load:
        if before is not None:
            return replace(before, started_at=ledger.utc_now())
        self._last += 1
        return Load(
            batch_id=f"{self._last:08d}",
            source=segments.SOURCE,
            entity=segments.ENTITY,
            source_file=landed_file,
            landed_file=landed_file,
            sha256=sha256_of(path),
            bytes=path.stat().st_size,
            started_at=ledger.utc_now(),
        )

    def _land(
        self, connection: duckdb.DuckDBPyConnection, target: Target, file: SourceFile
    ) -> Landed | None:
        """The file as a batch to load, which may be one that failed before with the same bytes.

        None when its bytes are loaded, failed in this ingest already, or cannot be read.
        """
        sha256 = self._known_hash(target.entity, file.path)
        if (target.entity, sha256) in self._loaded:
            self._unchanged(target.entity, file.shown)
            return None
        old = self._failed.of(target.entity, sha256)
        if old is not None:
            if (error := self._failed.error(old)) is not None:
                self._summary.failures[file.shown] = error
                return None
            self._loaded.add((target.entity, sha256))
            return Landed(*self._again(old, target, file.shown))
        load = self._new_load(target, "files", file.shown)
        name = f"{load.batch_id}.{file.ending}"
        started = time.perf_counter()
        try:
            landed = self._zone.land_file(file.path, target.entity, name, load.day)
        except FAILURES as exc:
            ledger.write_loads(connection, [self._failure(load, explained(file.shown, exc))])
            return None
        self._summary.landing_seconds += time.perf_counter() - started
        self._loaded.add((target.entity, landed.sha256))
        self._sizes.add((target.entity, landed.size))
        return Landed(self._with_file(load, landed), landed.path)

    def _load_in_groups(
        self, connection: duckdb.DuckDBPyConnection, target: Target, landed: Iterable[Landed]
    ) -> None:
        for group in groups(landed):
            self._load_group(connection, target, group)

    def _load_group(
        self, connection: duckdb.DuckDBPyConnection, target: Target, group: list[Landed]
    ) -> None:
        """Load files together; when one of them fails, each by itself."""
        try:
            outcome = load_batches(connection, target, group)
        except FAILURES as exc:
            if len(group) > 1:
                for one in group:
                    self._load_group(connection, target, [one])
                return
            self._refuse(connection, group[0], exc)
        else:
            self._took(outcome)

    def _took(self, outcome: Outcome) -> None:
        self._summary.loaded += outcome.loads
        self._summary.contract_seconds += outcome.contract_seconds
        for load in outcome.loads:
            self._summary.withdraw(self._failed.loaded(load))

    def _unchanged(self, entity: str, shown: str) -> None:
        self._summary.unchanged += 1
        self._summary.withdraw(self._failed.good(entity, shown))

    def _refuse(
        self, connection: duckdb.DuckDBPyConnection, landed: Landed, exc: BaseException
    ) -> None:
        """Write into the ledger that a landed file is not loaded, and why."""
        load = landed.load
        self._loaded.discard((load.entity, load.sha256))
        error = explained(load.source_file, exc)
        if load.source == "files":
            error = as_received(error, landed.path, load.source_file)
        ledger.write_loads(connection, [self._failure(load, error)])

    def _known_hash(self, entity: str, path: Path) -> str | None:
        """The sha256 of a file; None when it cannot be read, or has a size that is new here."""
        try:
            return sha256_of(path) if (entity, path.stat().st_size) in self._sizes else None
        except OSError:
            return None

    def _again(self, old: Load, target: Target, shown: str) -> tuple[Load, Path]:
        """A batch that landed before, to be tried now."""
        load = replace(
            old, source_file=shown, started_at=ledger.utc_now(), mapping=target.fingerprint
        )
        return load, self._settings.lake / (old.landed_file or "")

    def _new_load(self, target: Target, source: str, shown: str) -> Load:
        self._last += 1
        return Load(
            batch_id=f"{self._last:08d}",
            source=source,
            entity=target.entity,
            source_file=shown,
            started_at=ledger.utc_now(),
            mapping=target.fingerprint,
        )

    def _with_file(self, load: Load, landed: LandedFile) -> Load:
        return replace(
            load,
            landed_file=self._zone.relative(landed.path),
            sha256=landed.sha256,
            bytes=landed.size,
        )

    def _failure(self, load: Load, error: RecoMartError) -> Load:
        row = self._failed.failed(load, error)
        log.error("batch %s: %s", row.batch_id, error)
        self._summary.failures[row.source_file] = error
        return row


def groups(landed: Iterable[Landed]) -> Iterator[list[Landed]]:
    """Batches that share a transaction, in their order."""
    group: list[Landed] = []
    for one in landed:
        group.append(one)
        size = sum(one.load.bytes or 0 for one in group)
        if size >= GROUP_BYTES or len(group) >= GROUP_FILES:
            yield group
            group = []
    if group:
        yield group


def _size(path: Path) -> int:
    """The bytes of a file; 0 when it went away meanwhile, which its landing will tell."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
