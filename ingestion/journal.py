"""The journal of one ingest: what became of each action, in order, and in the ledger what failed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from feature_store.ledger import FAILED, BatchRecord
from ingestion import ledger
from ingestion.failures import is_of_the_machine
from ingestion.history import History, name_of
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
from ingestion.summary import IngestSummary
from recomart.errors import RecoMartError

log = logging.getLogger(__name__)


class Journal:
    """Outcomes are only ever added; everything else is worked out from them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._outcomes: list[Outcome] = []
        self._loaded = {batch.batch_id: batch for batch in history.loaded}
        self._errors: dict[str, RecoMartError] = {}
        self.landing_seconds = self.contract_seconds = 0.0

    def loaded(self, batches: Sequence[BatchRecord]) -> None:
        """Note batches that were loaded."""
        self._outcomes += [Loaded(batch) for batch in batches]
        self._loaded |= {batch.batch_id: batch for batch in batches}

    def reloaded(self, batches: Sequence[BatchRecord]) -> None:
        """Note batches whose rows were replaced."""
        self._outcomes += [Reloaded(batch) for batch in batches]

    def unchanged(self, entity: str, name: str) -> None:
        """Note an object whose bytes were loaded before, or that has nothing new."""
        self._outcomes.append(Unchanged(entity, name))

    def refused(self, name: str, error: RecoMartError) -> None:
        """Note something that could not be taken and is not a batch of its own."""
        self._outcomes.append(Refused(name, error))

    def failed(
        self, connection: duckdb.DuckDBPyConnection | None, batch: BatchRecord, error: RecoMartError
    ) -> None:
        """Note a batch that failed.

        Args:
            connection: its row is written at once; without a connection, by `write_failures`.
        """
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

    def write_failures(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the rows of all failed batches so far."""
        if failed := [o.batch for o in self._outcomes if isinstance(o, Failed)]:
            ledger.write_batches(connection, failed)

    def write_replaced(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the new rows of failed batches whose object is loaded now with other bytes."""
        if replaced := self._settled().replaced:
            ledger.write_batches(connection, replaced)

    def loaded_batch(self, batch_id: str) -> BatchRecord | None:
        """A batch that is loaded, in this ingest or before."""
        return self._loaded.get(batch_id)

    def error(self, batch_id: str | None) -> RecoMartError | None:
        """Why a batch failed in this ingest, if it did."""
        return self._errors.get(batch_id or "")

    def _settled(self) -> Settlement:
        return settle(self._history.batches, self._outcomes)

    def summary(self) -> IngestSummary:
        """What was done."""
        return IngestSummary(
            loaded=tuple(o.batch for o in self._outcomes if isinstance(o, Loaded)),
            reloaded=tuple(o.batch for o in self._outcomes if isinstance(o, Reloaded)),
            unchanged=sum(isinstance(o, Unchanged) for o in self._outcomes),
            loaded_before=len(self._history.loaded),
            landing_seconds=self.landing_seconds,
            contract_seconds=self.contract_seconds,
            failures=self._settled().failures,
        )
