"""Batches that failed: the bytes they received, what was tried now, and which of them are replaced.

A failed batch keeps its landed bytes. The same bytes of its entity, received again, are the same
batch, which in the end is loaded or stays failed. Other bytes under the same name are another
batch; once these are loaded, the failed ones before them are replaced: history, and no problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from ingestion.failures import of_the_machine
from ingestion.ledger import FAILED, LOADED, REPLACED, Load, utc_now
from recomart.errors import RecoMartError

Bytes = tuple[str, str | None]
"""An entity and a sha256: received bytes, whatever their file is called."""
Name = tuple[str, str]
"""An entity and a source file."""


class FailedBatches:
    """The batches of a ledger that are not loaded."""

    def __init__(self, loads: Sequence[Load], lake: Path) -> None:
        loaded = {_bytes(load) for load in loads if load.status == LOADED}
        self._rows = {load.batch_id: load for load in loads if load.status != LOADED}
        self._landed = {
            _bytes(load): load
            for load in self._rows.values()
            if load.landed_file
            and _bytes(load) not in loaded
            and (lake / load.landed_file).is_file()
        }
        newest = {_name(load): load for load in loads}
        self._without_bytes = {
            name: load
            for name, load in newest.items()
            if load.status == FAILED and load.sha256 is None
        }
        self._errors: dict[str, RecoMartError] = {}
        self._good: dict[Name, str] = {}
        """A source file -> the batch up to which what failed of it is made good."""

    @property
    def held(self) -> AbstractSet[Bytes]:
        """The bytes that are landed and not loaded."""
        return self._landed.keys()

    @property
    def sizes(self) -> set[tuple[str, int | None]]:
        """Entity and size of what is landed and not loaded."""
        return {(load.entity, load.bytes) for load in self._landed.values()}

    def of(self, entity: str, sha256: str | None) -> Load | None:
        """The batch that received these bytes before and failed."""
        return self._landed.get((entity, sha256))

    def error(self, load: Load) -> RecoMartError | None:
        """Why a batch failed in this ingest; None when it was not tried, or is loaded now."""
        return self._errors.get(load.batch_id)

    def worth_trying(self, entity: str, fingerprint: str) -> list[Load]:
        """Batches of an entity for which something changed since they failed, in load order.

        The declaration is another one now, or it was the machine that failed. What was replaced is
        not among them: its bytes were given up for others.
        """
        return [
            load
            for load in self._rows.values()
            if load.entity == entity
            and load.status == FAILED
            and load.mapping != fingerprint
            and self._landed.get(_bytes(load)) is load
        ]

    def failed(self, load: Load, error: RecoMartError) -> Load:
        """The ledger's row of a batch that fails with this error."""
        before = self._without_bytes.get(_name(load))
        if load.sha256 is None and before is not None:
            # nothing was received, then as now: one row is enough
            load = replace(load, batch_id=before.batch_id)
        row = replace(
            load,
            status=FAILED,
            error=str(error),
            finished_at=utc_now(),
            mapping=None if of_the_machine(error) else load.mapping,
        )
        self._rows[row.batch_id] = row
        self._errors[row.batch_id] = error
        self._good.pop(_name(row), None)
        if row.landed_file is not None:
            self._landed[_bytes(row)] = row
        return row

    def loaded(self, load: Load) -> list[RecoMartError]:
        """Note a batch that is loaded; the errors of this ingest that it makes good."""
        self._rows.pop(load.batch_id, None)
        self._landed.pop(_bytes(load), None)
        return self._make_good(_name(load), load.batch_id)

    def good(self, entity: str, source_file: str) -> list[RecoMartError]:
        """Note a source file whose bytes are loaded; the errors that this makes good."""
        return self._make_good((entity, source_file), max(self._rows, default=""))

    def _make_good(self, name: Name, batch_id: str) -> list[RecoMartError]:
        self._good[name] = max(batch_id, self._good.get(name, ""))
        return [
            self._errors.pop(row.batch_id)
            for row in self._rows.values()
            if self._is_good(row) and row.batch_id in self._errors
        ]

    def _is_good(self, row: Load) -> bool:
        return row.batch_id <= self._good.get(_name(row), "")

    def replaced(self) -> list[Load]:
        """The ledger's new rows of failed batches whose source file is good now."""
        return [
            replace(row, status=REPLACED)
            for row in self._rows.values()
            if row.status == FAILED and self._is_good(row)
        ]


def _bytes(load: Load) -> Bytes:
    return load.entity, load.sha256


def _name(load: Load) -> Name:
    return load.entity, load.source_file
