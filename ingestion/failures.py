"""Errors for batches that fail for reasons of the machine or of history, not of their content."""

from __future__ import annotations

from pathlib import Path

from ingestion.ledger import Load
from recomart.errors import RecoMartError, SourceError
from recomart.shop_file import ShopFile


def explained(name: str, exc: Exception) -> RecoMartError:
    """The error for a batch that failed with `exc`: itself, or one that says what to do."""
    if isinstance(exc, RecoMartError):
        return exc
    error = SourceError(
        f"{name} could not be loaded",
        code="load-failed",
        found=(str(exc) or type(exc).__name__).splitlines()[0],
        help="free memory or disk, then run 'recomart ingest' again",
    )
    error.__cause__ = exc
    return error


def not_reloadable(old: Load, path: Path, shop: ShopFile) -> SourceError:
    """The error for a batch whose declaration changed, but which did not land as that declares."""
    return SourceError(
        f"{old.source_file} was loaded with another declaration of {old.entity}, and cannot be "
        "loaded again from the landing zone",
        code="declaration-changed",
        where=shop.where(old.entity),
        found=f"landed file {path}" if path.is_file() else f"no landed file {path}",
        help="undo the change in the shop file, or start with a new lake",
    )
