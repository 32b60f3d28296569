"""The batches of one ingest: which are loaded or failed before, and what becomes of the next."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from ingestion import ledger
from ingestion.batch import Landed, Outcome, Target, load_batches
from ingestion.failed_batches import FailedBatches
from ingestion.failures import FAILURES, as_received, explained
from ingestion.landing import LandedFile, LandingZone
from ingestion.ledger import Load
from ingestion.sources import segments
from ingestion.summary import IngestSummary
from recomart.errors import RecoMartError
from recomart.settings import Settings

log = logging.getLogger(__name__)

GROUP_BYTES, GROUP_FILES = 16 << 20, 200
"""Files that add up to less share a transaction."""


class Batches:
    """What the ledger knows when an ingest begins, kept true while it goes on."""

    def __init__(self, settings: Settings, loads: list[Load], summary: IngestSummary) -> None:
        """Clears what an interrupted ingest left in the landing zone."""
        self._lake = settings.lake
        self._summary = summary
        self.good = [load for load in loads if load.status == ledger.LOADED]
        self.loaded = {(load.entity, load.sha256) for load in self.good}
        """Entity and sha256 of what is loaded, or about to be."""
        self.segments = {load.landed_file: load for load in loads if load.source == segments.SOURCE}
        self.failed = FailedBatches(loads, settings.lake)
        self.sizes = {(load.entity, load.bytes) for load in self.good} | self.failed.sizes
        self.zone = LandingZone(
            settings.raw,
            {load.landed_file or "" for load in loads},
            self.loaded | self.failed.held,
        )
        summary.loaded_before = len(self.good)
        self._last = max([self.zone.last_batch, *(int(load.batch_id) for load in loads)])

    def next_id(self) -> str:
        """The id of a new batch."""
        self._last += 1
        return f"{self._last:08d}"

    def new_load(self, target: Target, source: str, shown: str) -> Load:
        """The ledger row of a batch that has not landed yet."""
        return Load(
            batch_id=self.next_id(),
            source=source,
            entity=target.entity,
            source_file=shown,
            started_at=ledger.utc_now(),
            mapping=target.fingerprint,
        )

    def again(self, old: Load, target: Target, shown: str) -> tuple[Load, Path]:
        """A batch that landed before, to be tried now."""
        load = replace(
            old, source_file=shown, started_at=ledger.utc_now(), mapping=target.fingerprint
        )
        return load, self._lake / (old.landed_file or "")

    def with_file(self, load: Load, landed: LandedFile) -> Load:
        """The row of a batch with what landed for it."""
        return replace(
            load,
            landed_file=self.zone.relative(landed.path),
            sha256=landed.sha256,
            bytes=landed.size,
        )

    def load_in_groups(
        self, connection: duckdb.DuckDBPyConnection, target: Target, landed: Iterable[Landed]
    ) -> None:
        """Load landed files of one entity, in few transactions."""
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
            self.refuse(connection, group[0], exc)
        else:
            self.took(outcome)

    def took(self, outcome: Outcome) -> None:
        """Note that batches are loaded, and withdraw the errors that they mend."""
        self._summary.loaded += outcome.loads
        self._summary.contract_seconds += outcome.contract_seconds
        for load in outcome.loads:
            self._summary.withdraw(self.failed.loaded(load))

    def unchanged(self, entity: str, shown: str) -> None:
        """Note that a file or catalogue has nothing new, and withdraw its older error."""
        self._summary.unchanged += 1
        self._summary.withdraw(self.failed.good(entity, shown))

    def refuse(
        self, connection: duckdb.DuckDBPyConnection, landed: Landed, exc: BaseException
    ) -> None:
        """Write into the ledger that a landed file is not loaded, and why."""
        load = landed.load
        self.loaded.discard((load.entity, load.sha256))
        error = explained(load.source_file, exc)
        if load.source == "files":
            error = as_received(error, landed.path, load.source_file)
        ledger.write_loads(connection, [self.failure(load, error)])

    def failure(self, load: Load, error: RecoMartError) -> Load:
        """The row of a batch that failed, whose error is logged and will be raised."""
        row = self.failed.failed(load, error)
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
