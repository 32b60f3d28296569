"""Making batches ready for their load: landed from an object, landed before, or derived."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from feature_store.ledger import LOADED, BatchRecord
from ingestion import ledger
from ingestion.actions import Derive, Land, Retry
from ingestion.declaration import Declaration
from ingestion.failures import FAILURES, as_received, explained
from ingestion.history import Bytes, History, bytes_of
from ingestion.journal import Journal
from ingestion.landing import LandedFile, LandingZone
from ingestion.sources import Found, kind_of, place_of
from recomart.errors import ObjectChanged

log = logging.getLogger(__name__)

READS = 3
"""How often an object is read that changes while it is read."""


@dataclass(frozen=True)
class LandedBatch:
    """A batch whose bytes are in the landing zone.

    Args:
        batch: its ledger row so far.
        found: the object that has these bytes now; None when its source may be gone.
    """

    batch: BatchRecord
    path: Path
    found: Found | None = None


class Preparation:
    """The batches of one ingest that are ready, by the id under which they were planned."""

    def __init__(
        self,
        lake: Path,
        declarations: Mapping[str, Declaration[Any]],
        history: History,
        zone: LandingZone,
        journal: Journal,
    ) -> None:
        self._lake = lake
        self._declarations = declarations
        self._history = history
        self._zone = zone
        self._journal = journal
        self._ready: dict[str, LandedBatch] = {}
        self._in_hand: set[Bytes] = set()
        self.loaded_before: list[tuple[str, Found]] = []
        """Objects that turned out to have the bytes of a loaded batch, by entity."""

    def get(self, batch_id: str) -> LandedBatch | None:
        """The batch that is ready under this id; None when it could not be made ready."""
        return self._ready.get(batch_id)

    def land(
        self, action: Land, connection: duckdb.DuckDBPyConnection | None = None
    ) -> LandedBatch | None:
        """Land an object; None when nothing of it is to be loaded.

        The plan counted on new bytes. Whether they are is known now: a remote object has no hash
        before it is fetched, and a file may have changed since it was looked at.

        Args:
            connection: for the ledger row of a failure; None while the warehouse is closed.
        """
        declared, found = self._declarations[action.entity], action.found
        batch = _new(action.batch_id, declared, declared.source.kind, found.name)
        started = time.perf_counter()
        try:
            landed = self._received(batch, declared, found)
        except FAILURES as exc:
            self._journal.failed(connection, batch, explained(found.name, exc))
            return None
        self._journal.landing_seconds += time.perf_counter() - started
        batch = replace(
            batch,
            landed_file=self._zone.relative(landed.path),
            sha256=landed.sha256,
            bytes=landed.size,
        )
        before = self._history.with_bytes(batch.entity, batch.sha256)
        is_loaded = before is not None and before.status == LOADED
        if landed.pieces == 0 or is_loaded or bytes_of(batch) in self._in_hand:
            if is_loaded and landed.pieces:
                self.loaded_before.append((batch.entity, found))
            self._zone.discard(landed.path)
            self._journal.unchanged(batch.entity, found.name)
            return None
        ready = LandedBatch(batch, landed.path, found)
        if before is not None:
            self._zone.discard(landed.path)
            ready = self._again(before, found.name, found)
        return self._add(action.batch_id, ready)

    def _received(self, batch: BatchRecord, declared: Declaration[Any], found: Found) -> LandedFile:
        """The landed bytes of an object; read again when it changed meanwhile.

        Raises:
            SourceError, OSError: as `SourceKind.open`.
        """
        for attempt in range(1, READS + 1):
            try:
                return self._zone.land(
                    batch.source,
                    batch.entity,
                    f"{batch.batch_id}.{found.ending}",
                    (batch.started_at or ledger.utc_now()).date(),
                    kind_of(declared).open(declared, found),
                )
            except ObjectChanged as exc:
                if attempt == READS:
                    raise
                log.info("%s is read again: %s", found.name, exc.found)
        raise AssertionError("the last attempt returns or raises")

    def retry(self, action: Retry) -> None:
        """Make a batch ready that failed before."""
        batch, found = action.batch, action.found
        name = found.name if found is not None else batch.source_file
        self._add(batch.batch_id, self._again(batch, name, found))

    def derive(self, action: Derive) -> None:
        """Make a batch ready from the bytes of another entity's batch, if that one is loaded."""
        ready = self.get(action.origin)
        origin = self._journal.loaded_batch(ready.batch.batch_id if ready else action.origin)
        if origin is None:
            return
        declared = self._declarations[action.entity]
        batch = action.failed or _new(action.batch_id, declared, origin.source, origin.source_file)
        received = replace(
            batch, landed_file=origin.landed_file, sha256=origin.sha256, bytes=origin.bytes
        )
        self._add(action.batch_id, self._again(received, origin.source_file))

    def landed_before(self, batch: BatchRecord) -> LandedBatch:
        """A batch whose rows are to be replaced."""
        return LandedBatch(
            replace(batch, started_at=ledger.utc_now()), self._lake / (batch.landed_file or "")
        )

    def fail(
        self, connection: duckdb.DuckDBPyConnection, landed: LandedBatch, exc: BaseException
    ) -> None:
        """Note in journal and ledger that a landed batch is not loaded, and why."""
        batch = landed.batch
        error = explained(batch.source_file, exc)
        if place_of(self._declarations[batch.entity]) == "local":
            source = landed.found.path if landed.found is not None else None
            error = as_received(error, landed.path, batch.source_file, source)
        self._journal.failed(connection, batch, error)

    def _again(self, batch: BatchRecord, name: str, found: Found | None = None) -> LandedBatch:
        """A batch that landed before, as it is tried now."""
        mapping = self._declarations[batch.entity].mapping
        now = replace(batch, source_file=name, started_at=ledger.utc_now(), mapping=mapping)
        return LandedBatch(now, self._lake / (batch.landed_file or ""), found)

    def _add(self, planned_as: str, ready: LandedBatch) -> LandedBatch:
        self._ready[planned_as] = self._ready[ready.batch.batch_id] = ready
        self._in_hand.add(bytes_of(ready.batch))
        return ready


def _new(batch_id: str, declared: Declaration[Any], source: str, name: str) -> BatchRecord:
    return BatchRecord(
        batch_id=batch_id,
        source=source,
        entity=declared.entity,
        source_file=name,
        started_at=ledger.utc_now(),
        mapping=declared.mapping,
    )
