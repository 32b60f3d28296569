"""Why a batch failed: its content, the machine or its history; and the errors that say so."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import duckdb
import pyarrow as pa

from feature_store.ledger import BatchRecord
from ingestion.declaration import Declaration
from recomart.errors import RecoMartError, SourceError, SourceMissing

FAILURES = (SourceError, duckdb.Error, pa.ArrowException, OSError, MemoryError)
"""What a batch may raise without keeping others from their load."""

_MACHINE = "load-failed"


def explained(name: str, exc: BaseException) -> RecoMartError:
    """The error for a batch that failed with `exc`: itself, or one that says what to do."""
    if isinstance(exc, RecoMartError):
        return exc
    error = SourceError(
        f"{name} could not be loaded",
        code=_MACHINE,
        found=(str(exc) or type(exc).__name__).splitlines()[0],
        help="free memory or disk, then run 'recomart ingest' again",
    )
    error.__cause__ = exc
    return error


def is_of_the_machine(error: RecoMartError) -> bool:
    """Whether a batch failed for lack of memory, disk or access: its bytes may be fine."""
    unread = isinstance(error, SourceMissing) and isinstance(error.__cause__, OSError)
    return error.code == _MACHINE or unread


def as_received(
    error: RecoMartError, landed: Path, source_file: str, received_from: Path | None = None
) -> RecoMartError:
    """The error about a landed file, in terms of the file as it was received.

    Args:
        received_from: the source file, if it is still there.
    """
    if error.message.startswith(f"{landed.name} "):
        error.message = PurePath(source_file).name + error.message.removeprefix(landed.name)
    if received_from is not None and error.where and error.where.startswith(str(landed)):
        error.where = str(received_from) + error.where.removeprefix(str(landed))
    return error


def not_reloadable(batch: BatchRecord, path: Path, declared: Declaration[Any]) -> SourceError:
    """The error for a batch whose declaration changed, but which did not land as that declares."""
    return SourceError(
        f"{batch.source_file} was loaded with another declaration of {batch.entity}, and cannot be "
        "loaded again from the landing zone",
        code="declaration-changed",
        where=declared.shop.where(declared.entity),
        found=f"landed file {path}" if path.is_file() else f"no landed file {path}",
        help="undo the change in the shop file, or start with a new lake",
    )
