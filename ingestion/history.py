"""What the ledger says of earlier ingests, as a value that planning asks.

A failed batch keeps its landed bytes. The same bytes of its entity, received again, are the same
batch, which in the end is loaded or stays failed. Other bytes under the same name are another
batch; once these are loaded, the failed ones before them are replaced: history, and not a problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from feature_store.ledger import FAILED, LOADED, BatchRecord
from ingestion.sources.stream import StreamSource

STREAM = StreamSource.kind
"""The source of batches that are segments of the stream; nothing else is made from their bytes."""

Bytes = tuple[str, str | None]
"""An entity and a sha256: received bytes, whatever their object is called."""
Name = tuple[str, str]
"""An entity and the name of an object."""


@dataclass(frozen=True)
class History:
    """The ledger when an ingest begins.

    Args:
        batches: in load order.
        landed_files: those of the batches' landed files that exist, as the batches name them.
    """

    batches: tuple[BatchRecord, ...] = ()
    landed_files: frozenset[str] = frozenset()

    @classmethod
    def of(cls, batches: Sequence[BatchRecord], lake: Path) -> History:
        """The history of a lake, with a look at which landed files are there."""
        named = (batch.landed_file for batch in batches if batch.landed_file)
        return cls(tuple(batches), frozenset(name for name in named if (lake / name).is_file()))

    @cached_property
    def loaded(self) -> tuple[BatchRecord, ...]:
        """Loaded batches, in load order."""
        return tuple(batch for batch in self.batches if batch.status == LOADED)

    @cached_property
    def _loaded_bytes(self) -> dict[Bytes, BatchRecord]:
        return {bytes_of(batch): batch for batch in self.loaded}

    @cached_property
    def _waiting(self) -> dict[Bytes, BatchRecord]:
        """Batches that are not loaded, and whose landed bytes are there and no loaded batch's."""
        return {
            bytes_of(batch): batch
            for batch in self.batches
            if batch.status != LOADED
            and batch.source != STREAM
            and batch.landed_file in self.landed_files
            and bytes_of(batch) not in self._loaded_bytes
        }

    def with_bytes(self, entity: str, sha256: str | None) -> BatchRecord | None:
        """The batch that received these bytes before: a loaded one, or one that can be retried."""
        key = (entity, sha256)
        return self._loaded_bytes.get(key) or self._waiting.get(key)

    def worth_retrying(self, entity: str, mapping: str) -> tuple[BatchRecord, ...]:
        """Failed batches of an entity for which something changed since they failed.

        The declaration is another one now, or it was the machine that failed. Replaced batches are
        not among them: their bytes were given up for others.
        """
        return tuple(
            batch
            for batch in self.batches
            if batch.entity == entity
            and batch.status == FAILED
            and batch.mapping != mapping
            and self._waiting.get(bytes_of(batch)) is batch
        )

    @cached_property
    def sizes(self) -> frozenset[tuple[str, int | None]]:
        """Entity and size of every batch whose bytes are known. Bytes of another size are new."""
        known = (*self.loaded, *self._waiting.values())
        return frozenset((batch.entity, batch.bytes) for batch in known)

    @cached_property
    def kept_bytes(self) -> frozenset[Bytes]:
        """The bytes that are landed and in the ledger."""
        return frozenset((*self._loaded_bytes, *self._waiting))

    @cached_property
    def nothing_received(self) -> dict[Name, BatchRecord]:
        """Names whose newest batch failed before any byte was landed."""
        newest = {name_of(batch): batch for batch in self.batches}
        return {
            name: batch
            for name, batch in newest.items()
            if batch.status == FAILED and batch.sha256 is None
        }

    @cached_property
    def segments(self) -> dict[str, BatchRecord]:
        """The batches of the stream's segments, by their landed file."""
        return {b.landed_file: b for b in self.batches if b.source == STREAM and b.landed_file}

    @property
    def last_number(self) -> int:
        """The highest number of a batch; 0 without any."""
        return max((int(batch.batch_id) for batch in self.batches), default=0)


def bytes_of(batch: BatchRecord) -> Bytes:
    """The identity of a batch's bytes."""
    return batch.entity, batch.sha256


def name_of(batch: BatchRecord) -> Name:
    """The identity of a batch's object."""
    return batch.entity, batch.source_file
