"""What became of the lines and records of each source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from feature_store.ledger import LOADED
from quality.report.batches import OUTCOMES, Batch, FailedFile
from quality.report.content import Content
from recomart.shop.model import ENTITIES

_JUDGED = (*OUTCOMES, "cancels_nothing")
_TERMS = ("lines", "header", "blank", "continuation", "rejected", "records")


class SourceAccount(Content):
    """Where every line and record of an entity from one source went."""

    source: str
    entity: str
    files: int
    failed_files: int
    lines: int
    header: int
    blank: int
    continuation: int
    rejected: int
    records: int
    accepted: int
    quarantined: int
    deduplicated: int
    superseded: int
    filtered: int = 0
    cancelled: int = 0
    cancels_nothing: int = 0
    """Of the cancelled: cancellations that match no purchase."""
    unjudged: int
    """Loaded after the last build that judged records, or before the first."""
    balances: bool
    repeats_in_file: int = 0
    """Of the repeats and old versions: those whose key comes again later in the same file. Of facts
    from files and APIs."""
    repeats_declared: str | None = None
    """What the shop file says of repeats in one file: once or add_up; None for nothing."""

    @property
    def repeats(self) -> int:
        """Records that a later one of the same key replaces, equal to it or not."""
        return self.deduplicated + self.superseded

    @property
    def repeats_share(self) -> float:
        """Of the records that the shop takes."""
        taken = self.records - self.filtered
        return self.repeats / taken if taken else 0.0

    @property
    def doubtful_repeats(self) -> int:
        """Repeats that may be facts of their own: in one file, and the shop does not say."""
        return 0 if self.repeats_declared else self.repeats_in_file


def source_accounts(
    batches: Iterable[Batch],
    failed: Iterable[FailedFile],
    repeats: Mapping[tuple[str, str], int],
    declared: Mapping[str, str | None],
) -> tuple[SourceAccount, ...]:
    """The batches summed by source and entity, in the order of ENTITIES.

    Args:
        repeats: by entity and source, those whose key comes again in the same file.
        declared: by entity, what the shop file says of them.
    """
    failed_now = {file.batch_id for file in failed}
    groups: dict[tuple[str, str], list[Batch]] = {}
    for batch in batches:
        groups.setdefault((batch.entity, batch.source), []).append(batch)
    order = list(ENTITIES)
    return tuple(
        _source_account(
            source,
            entity,
            members,
            failed_now,
            repeats.get((entity, source), 0),
            declared.get(entity),
        )
        for (entity, source), members in sorted(
            groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    )


def _source_account(
    source: str,
    entity: str,
    batches: list[Batch],
    failed: set[str],
    repeats: int,
    declared: str | None,
) -> SourceAccount:
    loaded = [batch for batch in batches if batch.status == LOADED]
    terms = {name: sum(getattr(b, name) or 0 for b in loaded) for name in _TERMS + _JUDGED}
    waiting = [batch for batch in loaded if batch.accepted is None]
    return SourceAccount(
        source=source,
        entity=entity,
        files=len(loaded),
        failed_files=sum(batch.batch_id in failed for batch in batches),
        unjudged=sum((batch.records or 0) - (batch.filtered or 0) for batch in waiting),
        balances=all(batch.balances for batch in loaded),
        repeats_in_file=repeats,
        repeats_declared=declared,
        **terms,
    )
