"""Page 2: where every line and record went, and why."""

from __future__ import annotations

from typing import Literal

from quality.report.content.base import Content


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
    unjudged: int
    """Loaded after the last build that judged them, or never judged."""
    balances: bool


class Example(Content):
    """One record or line as received, quoted and shortened."""

    text: str
    where: str


class Reason(Content):
    """Why records were quarantined, or lines could not be read."""

    entity: str
    kind: Literal["quarantined", "rejected"]
    code: str
    column: str | None
    words: str
    rule: str | None
    count: int
    share: float
    then: int | None
    examples: tuple[Example, ...]


class FailedFile(Content):
    """A file that was quarantined whole."""

    entity: str
    batch_id: str
    source_file: str
    bytes: int | None
    error: str


class Account(Content):
    """Page 2."""

    sources: tuple[SourceAccount, ...]
    reasons: tuple[Reason, ...]
    """Most records first. A record with two reasons counts under both."""
    failed_files: tuple[FailedFile, ...]
