"""Carrying out a plan: landing, loading, and the ledger's account of what failed.

When an action fails, its error goes into the ledger and the next action follows. Only what is not
about a batch (a bug, a signal) ends an ingest; what was committed before stays, and the next ingest
goes on from there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion import ledger
from ingestion.declaration import Declaration
from ingestion.failures import (
    FAILURES,
    as_received,
    explained,
    is_of_the_machine,
    not_reloadable,
)
from ingestion.history import STREAM, Bytes, History, bytes_of, name_of
from ingestion.landing import LandingZone
from ingestion.outcomes import (
    Failed,
    Loaded,
    Outcome,
    Refused,
    Reloaded,
    Settlement,
    Unchanged,
    settle,
)
from ingestion.plan import Action, Arrived, Derive, Fold, Land, Load, Reload, Retry, Skip
from ingestion.sources import Found
from ingestion.sources.stream import ENTITY
from ingestion.stream_transaction import fold_segments
from ingestion.summary import IngestSummary
from ingestion.transaction import LoadedBatches, NothingNew, ReadyBatch, load_batches
from recomart.batches import FAILED, LOADED, Batch
from recomart.errors import RecoMartError
from recomart.files import sha256_of
from recomart.step import Progress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Landed:
    """A batch whose bytes are in the landing zone.

    Args:
        found: the object that they were received from; None for bytes that landed earlier.
    """

    batch: Batch
    path: Path
    found: Found | None = None


class Executor:
    """Carries out the actions of one ingest, in their order.

    Args:
        declarations: by entity.
    """

    def __init__(
        self,
        lake: Path,
        declarations: Mapping[str, Declaration[Any]],
        history: History,
        zone: LandingZone,
        progress: Progress,
    ) -> None:
        self._lake = lake
        self._declarations = declarations
        self._history = history
        self._zone = zone
        self._progress = progress
        self._outcomes: list[Outcome] = []
        self._landed: dict[str, _Landed] = {}
        """Batches that are ready for their load, by id."""
        self._in_hand: dict[Bytes, str] = {}
        """The bytes of this ingest's batches -> the batch."""
        self._loaded = {batch.batch_id: batch for batch in history.loaded}
        self._tried: set[str] = set()
        """Batches that were loaded in this ingest, or failed to."""
        self._errors: dict[str, RecoMartError] = {}
        """Batches that failed in this ingest -> why."""
        self._keys: dict[str, set[str]] = {}
        """By entity: the keys of the objects that its remote source has now."""
        self._landing_seconds = self._contract_seconds = 0.0
        self._bytes_done: dict[str, int] = {}

    def refuse(self, name: str, error: RecoMartError) -> None:
        """Note that a source could not be taken at all."""
        self._outcomes.append(Refused(name, error))

    def fetch(self, actions: Iterable[Land | Skip]) -> tuple[Arrived, ...]:
        """Land remote objects; needs no warehouse.

        Returns:
            The batches that have bytes to load.
        """
        arrived: list[Arrived] = []
        for action in actions:
            if isinstance(action, Skip):
                self._outcomes.append(Unchanged(action.entity, action.name))
                continue
            self._progress(f"fetch {action.entity}", 0, 0)
            found = action.found
            self._keys.setdefault(action.entity, set()).add(found.key or found.name)
            batch_id = self._land(action)
            if batch_id is not None:
                arrived.append(Arrived(self._landed[batch_id].batch, found.partial))
        return tuple(arrived)

    def load(self, connection: duckdb.DuckDBPyConnection, actions: Sequence[Action]) -> None:
        """Carry out everything after the fetches, and write what was fetched in vain."""
        in_vain = [o.batch for o in self._outcomes if isinstance(o, Failed)]
        if in_vain:
            ledger.write_batches(connection, in_vain)
        totals = _bytes_by_entity(actions)
        for action in actions:
            match action:
                case Land():
                    self._show_progress(action.entity, action.found, totals)
                    self._land(action, connection)
                case Retry(batch, found):
                    name = found.name if found is not None else batch.source_file
                    self._make_ready(self._again(batch, name, found))
                case Derive():
                    self._derive(action)
                case Load():
                    self._load(connection, action)
                case Reload(batch):
                    self._reload(connection, batch)
                case Fold(segments):
                    self._fold(connection, [self._segment(*segment) for segment in segments])
                case Skip():
                    self._skip(action)
        for entity, total in totals.items():
            self._progress(f"ingest {entity}", total, total)
        if replaced := self._settled().replaced:
            ledger.write_batches(connection, replaced)

    def _settled(self) -> Settlement:
        return settle(self._history.batches, self._outcomes)

    def summary(self) -> IngestSummary:
        """What was done."""
        return IngestSummary(
            loaded=tuple(o.batch for o in self._outcomes if isinstance(o, Loaded)),
            reloaded=tuple(o.batch for o in self._outcomes if isinstance(o, Reloaded)),
            unchanged=sum(isinstance(o, Unchanged) for o in self._outcomes),
            loaded_before=len(self._history.loaded),
            landing_seconds=self._landing_seconds,
            contract_seconds=self._contract_seconds,
            failures=self._settled().failures,
        )

    # --- making batches ready

    def _land(
        self, action: Land, connection: duckdb.DuckDBPyConnection | None = None
    ) -> str | None:
        """Land an object; the id of the batch that is ready for it, None when there is none.

        The plan counted on new bytes. Whether they are is known now: a remote object has no hash
        before it is fetched, and a file may have changed since it was looked at.
        """
        declared, found = self._declarations[action.entity], action.found
        batch = self._new_batch(action.batch_id, declared, declared.source.kind, found.name)
        started = time.perf_counter()
        try:
            landed = self._zone.land(
                batch.source,
                batch.entity,
                f"{batch.batch_id}.{found.ending}",
                _day(batch),
                declared.kind.open(declared, found),
            )
        except FAILURES as exc:
            self._fail(connection, batch, explained(found.name, exc))
            return None
        self._landing_seconds += time.perf_counter() - started
        batch = replace(
            batch,
            landed_file=self._zone.relative(landed.path),
            sha256=landed.sha256,
            bytes=landed.size,
        )
        before = self._history.with_bytes(batch.entity, batch.sha256)
        if (
            landed.pieces == 0
            or bytes_of(batch) in self._in_hand
            or (before and before.status == LOADED)
        ):
            self._zone.discard(landed)
            self._outcomes.append(Unchanged(batch.entity, found.name))
            return None
        ready = _Landed(batch, landed.path, found)
        if before is not None:
            self._zone.discard(landed)
            ready = self._again(before, found.name, found)
        self._make_ready(ready, planned_as=action.batch_id)
        return ready.batch.batch_id

    def _make_ready(self, ready: _Landed, *, planned_as: str | None = None) -> None:
        self._landed[ready.batch.batch_id] = ready
        if planned_as is not None:
            self._landed[planned_as] = ready
        self._in_hand[bytes_of(ready.batch)] = ready.batch.batch_id

    def _new_batch(
        self, batch_id: str, declared: Declaration[Any], source: str, name: str
    ) -> Batch:
        return Batch(
            batch_id=batch_id,
            source=source,
            entity=declared.entity,
            source_file=name,
            started_at=ledger.utc_now(),
            mapping=declared.mapping,
        )

    def _again(self, batch: Batch, name: str, found: Found | None = None) -> _Landed:
        """A batch that landed before, as it is tried now."""
        mapping = self._declarations[batch.entity].mapping
        now = replace(batch, source_file=name, started_at=ledger.utc_now(), mapping=mapping)
        return _Landed(now, self._lake / (batch.landed_file or ""), found)

    def _derive(self, action: Derive) -> None:
        landed = self._landed.get(action.origin)
        origin = self._loaded.get(landed.batch.batch_id if landed else action.origin)
        if origin is None:
            return
        declared = self._declarations[action.entity]
        batch = action.failed or self._new_batch(
            action.batch_id, declared, origin.source, origin.source_file
        )
        received = replace(
            batch, landed_file=origin.landed_file, sha256=origin.sha256, bytes=origin.bytes
        )
        self._make_ready(self._again(received, origin.source_file))

    # --- loading

    def _load(self, connection: duckdb.DuckDBPyConnection, action: Load) -> None:
        declared = self._declarations[action.entity]
        ready: list[ReadyBatch] = []
        for batch_id in action.batch_ids:
            landed = self._landed.get(batch_id)
            if landed is None or landed.batch.batch_id in self._tried:
                continue  # nothing was landed or derived; or the bytes were another batch's
            self._tried.add(landed.batch.batch_id)
            try:
                names = self._checked_header(landed, declared)
            except FAILURES as exc:
                self._fail_landed(connection, landed.batch.batch_id, exc)
            else:
                ready.append(ReadyBatch(landed.batch, landed.path, names))
        if ready:
            self._load_together(connection, declared, ready, only_news=action.only_news)

    def _checked_header(self, landed: _Landed, declared: Declaration[Any]) -> tuple[str, ...]:
        reader = declared.kind.reader(declared.source)
        return reader.header(landed.path, landed.batch.source_file, declared).checked()

    def _load_together(
        self,
        connection: duckdb.DuckDBPyConnection,
        declared: Declaration[Any],
        ready: Sequence[ReadyBatch],
        *,
        only_news: bool,
    ) -> None:
        """Load batches in one transaction; when one of them fails, each by itself."""
        try:
            loaded = load_batches(connection, declared, ready, only_news=only_news)
        except NothingNew:
            self._nothing_new(ready[0])
            self._remember(connection, ready[0].batch.batch_id)
        except FAILURES as exc:
            if len(ready) == 1:
                self._fail_landed(connection, ready[0].batch.batch_id, exc)
                return
            for one in ready:
                self._load_together(connection, declared, [one], only_news=only_news)
        else:
            self._note(loaded)
            for batch in loaded.batches:
                self._remember(connection, batch.batch_id)

    def _nothing_new(self, ready: ReadyBatch) -> None:
        batch = ready.batch
        if self._history.with_bytes(batch.entity, batch.sha256) is None:
            ready.path.unlink()
        self._outcomes.append(Unchanged(batch.entity, batch.source_file))

    def _note(self, loaded: LoadedBatches) -> None:
        self._outcomes += [Loaded(batch) for batch in loaded.batches]
        self._loaded |= {batch.batch_id: batch for batch in loaded.batches}
        self._contract_seconds += loaded.contract_seconds

    def _remember(self, connection: duckdb.DuckDBPyConnection, batch_id: str) -> None:
        """Remember the version of a fetched object, so that it need not be fetched again."""
        landed = self._landed.get(batch_id)
        if landed is None or landed.found is None:
            return
        declared, found = self._declarations[landed.batch.entity], landed.found
        if declared.kind.place == "remote":
            version = declared.kind.fingerprint(declared, found).version
            key = found.key or found.name
            keys = self._keys[declared.entity]
            ledger.write_version(connection, declared.entity, key, version, keys)

    def _reload(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
        declared = self._declarations[batch.entity]
        landed = _Landed(
            replace(batch, started_at=ledger.utc_now()), self._lake / (batch.landed_file or "")
        )
        try:
            names = self._checked_header(landed, declared)
            ready = [ReadyBatch(landed.batch, landed.path, names)]
            loaded = load_batches(connection, declared, ready, again=True)
        except FAILURES as exc:
            error = explained(batch.source_file, exc)
            error = as_received(error, landed.path, batch.source_file)
            log.error("reload of batch %s: %s", batch.batch_id, error)
            self.refuse(batch.source_file, error)
        else:
            self._outcomes += [Reloaded(one) for one in loaded.batches]
            self._contract_seconds += loaded.contract_seconds

    def _segment(self, batch_id: str, found: Found, before: Batch | None) -> ReadyBatch:
        path = self._lake / found.name
        batch = before or Batch(
            batch_id=batch_id,
            source=STREAM,
            entity=ENTITY,
            source_file=found.name,
            landed_file=found.name,
            sha256=sha256_of(path),
            bytes=found.size,
        )
        return ReadyBatch(replace(batch, started_at=ledger.utc_now()), path)

    def _fold(self, connection: duckdb.DuckDBPyConnection, segments: Sequence[ReadyBatch]) -> None:
        """Fold segments together; when one of them is damaged, each by itself."""
        try:
            self._note(fold_segments(connection, segments))
        except FAILURES as exc:
            if len(segments) == 1:
                batch = segments[0].batch
                self._fail(connection, batch, explained(batch.source_file, exc))
                return
            for one in segments:
                self._fold(connection, [one])

    # --- what is not loaded

    def _skip(self, action: Skip) -> None:
        match action.reason:
            case "loaded before":
                self._outcomes.append(Unchanged(action.entity, action.name))
            case "same bytes":
                error = self._errors.get(action.same_as or "")
                self._outcomes.append(
                    Refused(action.name, error)
                    if error is not None
                    else Unchanged(action.entity, action.name)
                )
            case "cannot be reloaded":
                assert action.batch is not None, "the plan names the batch"
                path = self._lake / (action.batch.landed_file or "")
                declared = self._declarations[action.entity]
                self.refuse(action.name, not_reloadable(action.batch, path, declared))

    def _fail_landed(
        self, connection: duckdb.DuckDBPyConnection, batch_id: str, exc: BaseException
    ) -> None:
        """Write into the ledger that a landed batch is not loaded, and why."""
        landed = self._landed[batch_id]
        batch, error = landed.batch, explained(landed.batch.source_file, exc)
        declared = self._declarations[batch.entity]
        if declared.kind.place == "local":
            source = landed.found.path if landed.found is not None else None
            error = as_received(error, landed.path, batch.source_file, source)
        self._fail(connection, batch, error)

    def _fail(
        self,
        connection: duckdb.DuckDBPyConnection | None,
        batch: Batch,
        error: RecoMartError,
    ) -> None:
        """Note a failed batch, in the ledger when there is a connection to it."""
        before = self._history.nothing_received.get(name_of(batch))
        if batch.sha256 is None and before is not None:
            # nothing was received, then as now: one row is enough
            batch = replace(batch, batch_id=before.batch_id)
        row = replace(
            batch,
            status=FAILED,
            error=str(error),
            finished_at=ledger.utc_now(),
            mapping=None if is_of_the_machine(error) else batch.mapping,
        )
        log.error("batch %s: %s", row.batch_id, error)
        self._outcomes.append(Failed(row, error))
        self._errors[row.batch_id] = error
        if connection is not None:
            ledger.write_batches(connection, [row])

    # --- progress

    def _show_progress(self, entity: str, found: Found, totals: Mapping[str, int]) -> None:
        done = self._bytes_done.get(entity, 0)
        self._progress(f"ingest {entity}", done, totals[entity])
        self._bytes_done[entity] = done + (found.size or 0)


def _bytes_by_entity(actions: Sequence[Action]) -> dict[str, int]:
    """The bytes that the plan lands, by entity."""
    totals: dict[str, int] = {}
    for action in actions:
        if isinstance(action, Land):
            totals[action.entity] = totals.get(action.entity, 0) + (action.found.size or 0)
    return totals


def _day(batch: Batch) -> Any:
    """The day under which a batch's file lands, UTC."""
    return (batch.started_at or datetime.now(UTC)).date()
