"""The appendix: all checks, files and versions."""

from __future__ import annotations

from quality.report.content.base import Content


class RuleCheck(Content):
    """A rule of the shop."""

    rule_id: str
    entity: str
    column: str | None
    kind: str
    outcome: str
    words: str
    """With the bounds that a `usual` rule has in this data."""
    because: str | None
    stop_above: float | None
    checked: int
    failed: int


class TestCheck(Content):
    """A test that dbt ran over the whole warehouse."""

    name: str
    about: str
    words: str
    status: str


class ContractCheck(Content):
    """A landing contract: what the share of bad values in each batch was."""

    entity: str
    column: str
    check: str
    words: str
    records: int
    failures: int
    worst_share: float
    batches_over: int


class Batch(Content):
    """One row of the ledger, with what became of its records (None: not judged)."""

    batch_id: str
    source: str
    entity: str
    source_file: str
    landed_file: str | None
    sha256: str | None
    bytes: int | None
    status: str
    lines: int | None
    header: int | None
    blank: int | None
    continuation: int | None
    rejected: int | None
    records: int | None
    accepted: int | None
    quarantined: int | None
    deduplicated: int | None
    superseded: int | None


class FileGroup(Content):
    """The files of one entity in one folder, as one line."""

    entity: str
    pattern: str
    files: int
    bytes: int
    digest: str
    """sha256 of the file, or of the files' sha256 in the order of loading, one a line."""


class Appendix(Content):
    """All that was checked, with what, and how to repeat it."""

    rules: tuple[RuleCheck, ...]
    tests: tuple[TestCheck, ...]
    never_empty: int
    """Columns that the build itself refuses to fill with nulls."""
    contracts: tuple[ContractCheck, ...]
    files: tuple[FileGroup, ...]
    batches: tuple[Batch, ...]
    versions: tuple[tuple[str, str], ...]
    repeat: tuple[str, ...]
    notes: tuple[str, ...]
