"""What became of the actions of one ingest, and what follows from all of it together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from feature_store.ledger import FAILED, LOADED, REPLACED, BatchRecord
from ingestion.history import Name, name_of
from recomart.errors import RecoMartError


@dataclass(frozen=True)
class Loaded:
    """A batch was loaded, as the ledger has it now."""

    batch: BatchRecord


@dataclass(frozen=True)
class Reloaded:
    """The rows of a loaded batch were replaced, because its declaration changed."""

    batch: BatchRecord


@dataclass(frozen=True)
class Unchanged:
    """The bytes of an object were loaded before, or it has nothing new."""

    entity: str
    name: str


@dataclass(frozen=True)
class Failed:
    """A batch failed; this is its row in the ledger."""

    batch: BatchRecord
    error: RecoMartError


@dataclass(frozen=True)
class Refused:
    """Something that is not a batch of its own could not be taken: a source whose objects were not
    found, a second name of bytes that failed, a batch that cannot be reloaded."""

    name: str
    error: RecoMartError


Outcome = Loaded | Reloaded | Unchanged | Failed | Refused


@dataclass(frozen=True)
class Settlement:
    """What is still wrong when an ingest ends.

    Args:
        failures: what could not be taken -> why. Errors that the same ingest made good are gone.
        replaced: failed batches whose object is loaded now with other bytes, as their new rows.
    """

    failures: dict[str, RecoMartError]
    replaced: tuple[BatchRecord, ...]


def settle(batches: Iterable[BatchRecord], outcomes: Iterable[Outcome]) -> Settlement:
    """Go through the outcomes of an ingest in their order.

    An object whose bytes are loaded is good: what failed of it, in batches up to the loaded one, is
    replaced, and its errors are withdrawn.

    Args:
        batches: the ledger when the ingest began.
    """
    rows = {batch.batch_id: batch for batch in batches if batch.status != LOADED}
    errors: dict[str, RecoMartError] = {}
    failures: dict[str, RecoMartError] = {}
    good: dict[Name, str] = {}
    """An object -> the batch up to which what failed of it is made good."""

    def is_good(batch: BatchRecord) -> bool:
        return batch.batch_id <= good.get(name_of(batch), "")

    def make_good(name: Name, batch_id: str) -> None:
        good[name] = max(batch_id, good.get(name, ""))
        for batch in rows.values():
            if batch.batch_id in errors and is_good(batch):
                error = errors.pop(batch.batch_id)
                for shown in [shown for shown, other in failures.items() if other is error]:
                    del failures[shown]

    for outcome in outcomes:
        match outcome:
            case Loaded(batch):
                rows.pop(batch.batch_id, None)
                make_good(name_of(batch), batch.batch_id)
            case Unchanged(entity, name):
                make_good((entity, name), max(rows, default=""))
            case Failed(batch, error):
                rows[batch.batch_id] = batch
                errors[batch.batch_id] = error
                good.pop(name_of(batch), None)
                failures[batch.source_file] = error
            case Refused(name, error):
                failures[name] = error
            case Reloaded():
                pass
    return Settlement(
        failures,
        tuple(
            replace(batch, status=REPLACED)
            for batch in rows.values()
            if batch.status == FAILED and is_good(batch)
        ),
    )
