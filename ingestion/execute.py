"""Carrying out a plan: landing, loading, and the account of what failed.

When an action fails, its error goes into the ledger and the next action follows. Only what is not
about a batch (a bug, a signal) ends an ingest; what was committed before stays, and the next ingest
goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, assert_never

import duckdb

from feature_store.ledger import BatchRecord
from ingestion import ledger
from ingestion.actions import Action, Derive, Fold, Land, Load, Reload, Retry, Skip
from ingestion.declaration import Declaration
from ingestion.failures import FAILURES, as_received, explained, not_reloadable
from ingestion.history import STREAM, History
from ingestion.journal import Journal
from ingestion.landing import LandingZone
from ingestion.plan import Arrived
from ingestion.preparation import LandedBatch, Preparation
from ingestion.readers.reader import DeclaredFile
from ingestion.sources import Found, kind_of, place_of
from ingestion.sources.stream import ENTITY
from ingestion.stream_transaction import fold_segments
from ingestion.transaction import NothingNew, ReadyBatch, load_batches
from recomart.files import sha256_of
from recomart.step import Progress

log = logging.getLogger(__name__)


class Executor:
    """Carries out the actions of one ingest, in their order.

    Args:
        declarations: by entity.
        keys: by entity, the keys of all objects that its remote source has now.
    """

    def __init__(
        self,
        lake: Path,
        declarations: Mapping[str, Declaration[Any]],
        history: History,
        zone: LandingZone,
        journal: Journal,
        progress: Progress,
        keys: Mapping[str, Collection[str]],
    ) -> None:
        self._lake = lake
        self._declarations = declarations
        self._history = history
        self._zone = zone
        self._journal = journal
        self._progress = progress
        self._keys = keys
        self._prepared = Preparation(lake, declarations, history, zone, journal)
        self._tried: set[str] = set()
        """Batches that were loaded in this ingest, or failed to."""

    def fetch(self, actions: Iterable[Land | Skip]) -> tuple[Arrived, ...]:
        """Land remote objects; needs no warehouse.

        Returns:
            The batches that have bytes to load.
        """
        arrived: list[Arrived] = []
        for action in actions:
            if isinstance(action, Skip):
                self._journal.unchanged(action.entity, action.name)
                continue
            self._progress(f"fetch {action.entity}", 0, 0)
            if (landed := self._prepared.land(action)) is not None:
                arrived.append(Arrived(landed.batch, action.found.partial))
        return tuple(arrived)

    def load(self, connection: duckdb.DuckDBPyConnection, actions: Sequence[Action]) -> None:
        """Carry out everything after the fetches, and write what failed of those."""
        self._journal.write_failures(connection)
        for entity, found in self._prepared.loaded_before:
            self._remember(connection, entity, found)
        totals, done = _bytes_by_entity(actions), dict[str, int]()
        for action in actions:
            match action:
                case Land(_, entity, found):
                    so_far = done.get(entity, 0)
                    self._progress(f"ingest {entity}", so_far, totals[entity])
                    done[entity] = so_far + (found.size or 0)
                    self._prepared.land(action, connection)
                case Retry():
                    self._prepared.retry(action)
                case Derive():
                    self._prepared.derive(action)
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
        self._journal.write_replaced(connection)

    def _load(self, connection: duckdb.DuckDBPyConnection, action: Load) -> None:
        declared = self._declarations[action.entity]
        ready: list[ReadyBatch] = []
        for batch_id in action.batch_ids:
            landed = self._prepared.get(batch_id)
            if landed is None or landed.batch.batch_id in self._tried:
                continue  # nothing was landed or derived; or the bytes were another batch's
            self._tried.add(landed.batch.batch_id)
            try:
                ready.append(_with_checked_header(landed, declared))
            except FAILURES as exc:
                self._prepared.fail(connection, landed, exc)
        if ready:
            self._load_together(connection, declared, ready, only_news=action.only_news)

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
            self._discard(ready[0])
            self._remember_batch(connection, ready[0].batch)
        except FAILURES as exc:
            if len(ready) == 1:
                landed = self._prepared.get(ready[0].batch.batch_id)
                assert landed is not None, "what is ready was landed"
                self._prepared.fail(connection, landed, exc)
                return
            for one in ready:
                self._load_together(connection, declared, [one], only_news=only_news)
        else:
            self._journal.loaded(loaded.batches)
            self._journal.contract_seconds += loaded.contract_seconds
            for batch in loaded.batches:
                self._remember_batch(connection, batch)

    def _discard(self, ready: ReadyBatch) -> None:
        """Give up a batch that has nothing new, and its bytes, unless the ledger names them."""
        batch = ready.batch
        if self._history.with_bytes(batch.entity, batch.sha256) is None:
            self._zone.discard(ready.path)
        self._journal.unchanged(batch.entity, batch.source_file)

    def _remember_batch(self, connection: duckdb.DuckDBPyConnection, batch: BatchRecord) -> None:
        landed = self._prepared.get(batch.batch_id)
        if landed is not None and landed.found is not None:
            self._remember(connection, batch.entity, landed.found)

    def _remember(self, connection: duckdb.DuckDBPyConnection, entity: str, found: Found) -> None:
        """Remember the version of a fetched object, and how far its source was read: what is loaded
        need not be fetched again."""
        declared = self._declarations[entity]
        if place_of(declared) != "remote":
            return
        known = kind_of(declared).fingerprint(declared, found)
        keys = self._keys[entity]
        ledger.write_version(connection, entity, found.remembered_as, known.version, keys)
        if known.position is not None:
            ledger.write_position(connection, entity, declared.source.kind, known.position)

    def _reload(self, connection: duckdb.DuckDBPyConnection, batch: BatchRecord) -> None:
        declared = self._declarations[batch.entity]
        landed = self._prepared.landed_before(batch)
        try:
            ready = [_with_checked_header(landed, declared)]
            loaded = load_batches(connection, declared, ready, again=True)
        except FAILURES as exc:
            error = explained(batch.source_file, exc)
            error = as_received(error, landed.path, batch.source_file)
            log.error("reload of batch %s: %s", batch.batch_id, error)
            self._journal.refused(batch.source_file, error)
        else:
            self._journal.reloaded(loaded.batches)
            self._journal.contract_seconds += loaded.contract_seconds

    def _segment(self, batch_id: str, found: Found, before: BatchRecord | None) -> ReadyBatch:
        path = self._lake / found.name
        batch = before or BatchRecord(
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
            self._journal.loaded(fold_segments(connection, segments).batches)
        except FAILURES as exc:
            if len(segments) == 1:
                batch = segments[0].batch
                self._journal.failed(connection, batch, explained(batch.source_file, exc))
                return
            for one in segments:
                self._fold(connection, [one])

    def _skip(self, action: Skip) -> None:
        match action.reason:
            case "loaded before":
                self._journal.unchanged(action.entity, action.name)
            case "same bytes":
                error = self._journal.error(action.same_as)
                if error is None:
                    self._journal.unchanged(action.entity, action.name)
                else:
                    self._journal.refused(action.name, error)
            case "cannot be reloaded":
                assert action.batch is not None, "the plan names the batch"
                path = self._lake / (action.batch.landed_file or "")
                declared = self._declarations[action.entity]
                error = not_reloadable(action.batch, path, declared)
                self._journal.refused(action.name, error)
            case unknown:
                assert_never(unknown)


def _with_checked_header(landed: LandedBatch, declared: Declaration[Any]) -> ReadyBatch:
    reader = kind_of(declared).reader(declared.source)
    header = reader.header(DeclaredFile(landed.path, landed.batch.source_file, declared))
    return ReadyBatch(landed.batch, landed.path, header.checked())


def _bytes_by_entity(actions: Sequence[Action]) -> dict[str, int]:
    """The bytes that the plan lands, by entity."""
    totals: dict[str, int] = {}
    for action in actions:
        if isinstance(action, Land):
            totals[action.entity] = totals.get(action.entity, 0) + (action.found.size or 0)
    return totals
