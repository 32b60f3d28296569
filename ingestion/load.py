"""Loading a shop's declared sources into schema raw of its warehouse."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from ingestion import headers, ledger, mapping
from ingestion.batch import Target, load_batch
from ingestion.files import SourceFile, find_files
from ingestion.landing import LandingZone
from ingestion.ledger import Load
from recomart.errors import RecoMartError, SourceError
from recomart.files import sha256_of
from recomart.lake import open_lake
from recomart.settings import Settings
from recomart.shop import ENTITIES, FileSource, ShopFile, load_shop
from recomart.step import Progress, StepResult, no_progress
from recomart.warehouse import warehouse

log = logging.getLogger(__name__)


@dataclass
class IngestSummary:
    """What one ingest did."""

    loaded: list[Load] = field(default_factory=list)
    reloaded: list[Load] = field(default_factory=list)
    unchanged: int = 0
    landing_seconds: float = 0.0
    contract_seconds: float = 0.0
    failures: dict[str, RecoMartError] = field(default_factory=dict)
    """Source file (or entity, when its files were not found) -> why it is not loaded."""

    @property
    def records(self) -> dict[str, int]:
        """Records loaded now, by entity."""
        counts = dict.fromkeys(ENTITIES, 0)
        for load in (*self.loaded, *self.reloaded):
            counts[load.entity] += load.records or 0
        return counts

    @property
    def rejected(self) -> int:
        """Lines that could not be parsed, now."""
        return sum(load.rejected or 0 for load in (*self.loaded, *self.reloaded))

    def result(self) -> StepResult:
        """The summary as one line of a run."""
        parts = [f"{len(self.loaded):,} batches"]
        if self.reloaded:
            parts.append(f"{len(self.reloaded):,} reloaded")
        if self.unchanged:
            parts.append(f"{self.unchanged:,} unchanged")
        parts.append(f"{self.rejected:,} lines rejected")
        return StepResult(sum(self.records.values()), "rows", " · ".join(parts))


def ingest(settings: Settings, *, progress: Progress = no_progress) -> IngestSummary:
    """Load what is new in the shop's sources; what was loaded before is left alone.

    Each file is one batch: landed first, then loaded in one transaction. A file that fails is in
    the ledger with its error and is tried again next time; the others load.

    Raises:
        ShopFileError: the shop file is wrong.
        WarehouseLocked: another process holds the warehouse.
        SourceError: some file or the catalogue could not be taken. It names all of them; what
            else there was is loaded.
    """
    open_lake(settings)
    shop = load_shop(settings)
    summary = IngestSummary()
    with warehouse(settings) as connection:
        ledger.create_tables(connection)
        ledger.write_shop(connection, settings.shop_name, shop.shop)
        _Run(settings, shop, connection, summary, progress).all_files()
    if summary.failures:
        raise _all_failures(summary)
    return summary


class _Run:
    """One ingest while the warehouse is open."""

    def __init__(
        self,
        settings: Settings,
        shop: ShopFile,
        connection: duckdb.DuckDBPyConnection,
        summary: IngestSummary,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._shop = shop
        self._connection = connection
        self._summary = summary
        self._progress = progress
        loads = ledger.read_loads(connection)
        self._zone = LandingZone(settings.raw, [load.landed_file or "" for load in loads])
        self._last = max([self._zone.last_batch, *(int(load.batch_id) for load in loads)])
        good = [load for load in loads if load.status == ledger.LOADED]
        self._known = {(load.entity, load.sha256) for load in good}
        self._sizes = {(load.entity, load.bytes) for load in good}

    def all_files(self) -> None:
        for entity, source in self._shop.shop.sources().items():
            if isinstance(source, FileSource):
                try:
                    files = find_files(self._settings, self._shop, entity, source)
                except SourceError as exc:
                    self._summary.failures[entity] = exc
                    continue
                self._entity(Target(entity, source, self._shop), files)

    def _entity(self, target: Target, files: list[SourceFile]) -> None:
        fit = [file for file in files if self._header_fits(target, file)]
        for number, file in enumerate(fit):
            self._progress(f"ingest {target.entity}", number, len(fit))
            self._file(target, file)
        self._progress(f"ingest {target.entity}", len(fit), len(fit))

    def _header_fits(self, target: Target, file: SourceFile) -> bool:
        source = target.source
        assert isinstance(source, FileSource), "only files have headers"
        check = headers.check_csv if source.format == "csv" else headers.check_first_keys
        try:
            check(file.path, file.shown, source, self._shop, target.entity)
        except SourceError as exc:
            self._failed(self._new_load(target, file), exc)
            return False
        return True

    def _file(self, target: Target, file: SourceFile) -> None:
        if self._is_known(target.entity, file.path):
            self._summary.unchanged += 1
            return
        load = self._new_load(target, file)
        try:
            started = time.perf_counter()
            landed = self._zone.land_file(
                file.path,
                target.entity,
                f"{load.batch_id}.{file.ending}",
                load.started_at.date(),
                lambda size: None,
            )
            self._summary.landing_seconds += time.perf_counter() - started
            load = replace(
                load,
                landed_file=self._zone.relative(landed.path),
                sha256=landed.sha256,
                bytes=landed.size,
            )
            outcome = load_batch(self._connection, target, load, landed.path)
        except SourceError as exc:
            self._failed(load, exc)
        except (duckdb.Error, OSError) as exc:
            self._failed(load, _explained(file.shown, exc))
        else:
            self._summary.loaded.append(outcome.load)
            self._summary.contract_seconds += outcome.contract_seconds
            self._known.add((target.entity, landed.sha256))
            self._sizes.add((target.entity, landed.size))

    def _is_known(self, entity: str, path: Path) -> bool:
        """Whether these bytes are loaded. A file of a size not seen before need not be read."""
        if (entity, path.stat().st_size) not in self._sizes:
            return False
        return (entity, sha256_of(path)) in self._known

    def _new_load(self, target: Target, file: SourceFile) -> Load:
        self._last += 1
        return Load(
            batch_id=f"{self._last:08d}",
            source="files",
            entity=target.entity,
            source_file=file.shown,
            started_at=ledger.utc_now(),
            mapping=mapping.fingerprint(target.source),
        )

    def _failed(self, load: Load, error: RecoMartError) -> None:
        log.error("batch %s: %s", load.batch_id, error)
        self._summary.failures[load.source_file] = error
        ledger.write_load(
            self._connection,
            replace(load, status=ledger.FAILED, error=str(error), finished_at=ledger.utc_now()),
        )


def _explained(name: str, exc: Exception) -> SourceError:
    error = SourceError(
        f"{name} could not be loaded",
        code="load-failed",
        found=str(exc).splitlines()[0] if str(exc) else type(exc).__name__,
        help="free memory or disk, then run 'recomart ingest' again",
    )
    error.__cause__ = exc
    return error


def _all_failures(summary: IngestSummary) -> RecoMartError:
    failures = list(summary.failures.items())
    if len(failures) == 1:
        return failures[0][1]
    return SourceError(
        f"{len(failures)} sources could not be loaded; what else there was is",
        code="failed-batches",
        found="\n".join(str(error) for _, error in failures),
        help="mend these, then run 'recomart ingest' again: it takes only what is missing",
    )
