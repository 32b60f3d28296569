"""What one ingest did, and the one error that names everything it could not take."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from feature_store.ledger import BatchRecord
from recomart.errors import RecoMartError, SourceError
from recomart.shop.model import ENTITIES
from recomart.step import StepResult


@dataclass(frozen=True)
class IngestSummary:
    """What one ingest did."""

    loaded: tuple[BatchRecord, ...] = ()
    reloaded: tuple[BatchRecord, ...] = ()
    """Batches whose rows were replaced from their landed bytes, because their declaration changed."""
    unchanged: int = 0
    """Objects whose bytes were loaded before, or that had nothing new."""
    loaded_before: int = 0
    """Batches that earlier ingests loaded."""
    landing_seconds: float = 0.0
    contract_seconds: float = 0.0
    failures: Mapping[str, RecoMartError] = field(default_factory=dict)
    """Source file (or entity, when its objects were not found) -> why it is not loaded."""

    @property
    def records(self) -> dict[str, int]:
        """Records loaded now, by entity."""
        counts = dict.fromkeys(ENTITIES, 0)
        for batch in (*self.loaded, *self.reloaded):
            counts[batch.entity] += (batch.records or 0) - (batch.filtered or 0)
        return counts

    @property
    def filtered(self) -> int:
        """Records that `where` left out, now."""
        return sum(batch.filtered or 0 for batch in (*self.loaded, *self.reloaded))

    @property
    def rejected(self) -> int:
        """Lines that could not be parsed, now."""
        return sum(batch.rejected or 0 for batch in (*self.loaded, *self.reloaded))

    @property
    def unmatched(self) -> int:
        """Records for which a lookup has nothing, now."""
        return sum(batch.unmatched or 0 for batch in (*self.loaded, *self.reloaded))

    @property
    def undeclared(self) -> dict[str, int]:
        """Columns that the shop file neither maps nor ignores -> records that have them, now."""
        found: Counter[str] = Counter()
        for batch in (*self.loaded, *self.reloaded):
            found.update(json.loads(batch.undeclared or "{}"))
        return dict(found.most_common())

    def result(self) -> StepResult:
        """The summary as one line of a run."""
        parts = [f"{len(self.loaded):,} {'batch' if len(self.loaded) == 1 else 'batches'}"]
        if self.reloaded:
            parts.append(f"{len(self.reloaded):,} reloaded")
        if self.unchanged:
            parts.append(f"{self.unchanged:,} unchanged")
        if self.rejected:
            parts.append(f"{self.rejected:,} {'line' if self.rejected == 1 else 'lines'} rejected")
        if self.filtered:
            parts.append(f"{self.filtered:,} filtered")
        if self.unmatched:
            parts.append(f"{self.unmatched:,} without a match in a lookup")
        if undeclared := self.undeclared:
            shown = [f"{name} ({records:,})" for name, records in undeclared.items()]
            more = [f"{len(shown) - 5} more"] if len(shown) > 5 else []
            parts.append(f"not declared: {', '.join([*shown[:5], *more])}")
        return StepResult(sum(self.records.values()), "rows", " · ".join(parts))

    def raise_failures(self) -> None:
        """Raise when something could not be taken.

        Raises:
            SourceError: names every failed file. Of the only one there is, its own error.
        """
        if len(self.failures) == 1:
            error = next(iter(self.failures.values()))
            error.help = self._or_go_on(error.help, "it")
            raise error
        if self.failures:
            names = ", ".join(self.failures)
            details = "\n".join(str(error) for error in self.failures.values())
            raise SourceError(
                f"{len(self.failures)} sources could not be loaded, all others are: {names}",
                code="failed-batches",
                found=f"\n{details}",
                help=self._or_go_on(
                    "fix these, then run 'recomart ingest' again: it takes only what is missing",
                    "them",
                ),
            )

    def _or_go_on(self, help: str | None, what: str) -> str | None:
        """The help, and how to do without what failed, when anything else is there."""
        if not (self.loaded or self.reloaded or self.unchanged or self.loaded_before):
            return help
        way = f"go on without {what}: 'recomart pipeline --from transform'"
        return f"{help}\n        or {way}" if help else way
