"""The actions of an ingest: what `plan.py` decides and `execute.py` carries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from feature_store.ledger import BatchRecord
from ingestion.sources import Found


@dataclass(frozen=True)
class Land:
    """Copy the bytes of an object into the landing zone, as a new batch."""

    batch_id: str
    entity: str
    found: Found


@dataclass(frozen=True)
class Retry:
    """Make a batch ready that failed before: its bytes are landed already.

    Args:
        found: the object that has these bytes now; None when they are tried for another reason.
    """

    batch: BatchRecord
    found: Found | None = None


@dataclass(frozen=True)
class Derive:
    """Make a batch ready from the landed bytes of another entity's batch.

    Args:
        origin: the id of that batch; when it is not loaded in the end, there is nothing to derive.
        failed: the batch of this entity that failed with the same bytes before, if there is one.
    """

    batch_id: str
    entity: str
    origin: str
    failed: BatchRecord | None = None


@dataclass(frozen=True)
class Load:
    """Load batches of one entity that are ready, in one transaction.

    Args:
        only_news: do not load them if the warehouse has all of their records already.
    """

    entity: str
    batch_ids: tuple[str, ...]
    only_news: bool = False


@dataclass(frozen=True)
class Reload:
    """Load the landed bytes of a loaded batch again, in place of its rows: its declaration changed."""

    batch: BatchRecord


@dataclass(frozen=True)
class Fold:
    """Load sealed segments of the stream in one transaction, each event once.

    Args:
        segments: the batch id and the segment; and the batch of an earlier try that failed.
    """

    segments: tuple[tuple[str, Found, BatchRecord | None], ...]


Reason = Literal["loaded before", "same bytes", "cannot be reloaded"]


@dataclass(frozen=True)
class Skip:
    """Do nothing about an object, or about a loaded batch.

    Args:
        name: of the object.
        reason: loaded before: the ledger has its bytes, or its version is the remembered one.
            same bytes: another object of this ingest has them, and they are the batch `same_as`.
            cannot be reloaded: the declaration of `batch` changed, and its bytes did not land as
            the new one declares, or are gone.
    """

    entity: str
    name: str
    reason: Reason
    same_as: str | None = None
    batch: BatchRecord | None = None


Action = Land | Retry | Derive | Load | Reload | Fold | Skip
