"""The content of a report. The PDF and the JSON are two views of it, so they cannot differ.

Every text that came from data, files' names and error messages is already quoted here
(quality/report/quoting.py); the views add nothing and interpret nothing. All times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

FORMAT = 1
"""Raised when an older report.json can no longer be compared with a new one."""


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(_Content):
    """Which run wrote the report, of which shop, and what it is compared with."""

    run_id: str
    shop: str
    title: str
    written_at: datetime
    as_of: datetime | None
    """The shop's clock; None before the first transform."""
    state: str
    """Changes whenever something was loaded or built; reports of equal state are one run's."""
    since_run: str | None
    since_written_at: datetime | None
    since: str
    """One sentence: what the changes are measured against."""


class Number(_Content):
    """One of the numbers of page 1, as a value and as it is shown."""

    name: str
    value: float | None
    shown: str
    change: str
    """Since the last run, as shown: '+12', 'no change', or '' on a first run."""


class Problem(_Content):
    """Something that is wrong, and what it costs."""

    kind: Literal["stop", "check", "file", "stale", "quarantined", "rejected", "unjudged"]
    entity: str | None
    code: str
    what: str
    said: str | None = None
    """Texts from data or tools that belong to it, quoted."""
    cost: str
    count: int | None
    share: float | None
    """Of the entity's records (rejected: lines that should hold one)."""
    then: int | None


class BatchBack(_Content):
    """One batch of which more is used than at the last run."""

    entity: str
    batch_id: str
    source_file: str
    records: int
    lines: int


class TakenBack(_Content):
    """What was set aside at the last run and is used now, thanks to a mended rule or format."""

    records: int
    lines: int
    files: int
    batches: tuple[BatchBack, ...]

    @property
    def any(self) -> bool:
        return bool(self.records or self.lines or self.files)


class Verdict(_Content):
    """Page 1."""

    standing: Literal["good", "stopped", "not judged"]
    sentence: str
    notes: tuple[str, ...]
    numbers: tuple[Number, ...]
    problems: tuple[Problem, ...]
    further_problems: int
    taken_back: TakenBack


class SourceAccount(_Content):
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


class Example(_Content):
    """One record or line as received, quoted and shortened."""

    text: str
    where: str


class Reason(_Content):
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


class FailedFile(_Content):
    """A file that was quarantined whole."""

    entity: str
    batch_id: str
    source_file: str
    bytes: int | None
    error: str


class Account(_Content):
    """Page 2."""

    sources: tuple[SourceAccount, ...]
    reasons: tuple[Reason, ...]
    """Most records first. A record with two reasons counts under both."""
    failed_files: tuple[FailedFile, ...]


class Histogram(_Content):
    """Counts of numbers or times between edges (times in seconds since 1970), or of labels."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    is_scale: bool
    """The edges lie around the steps of a scale, half a step below and above each."""
    outside: int
    """Values below the first edge, above the last, or of rarer labels."""
    sampled_from: int | None
    """Rows of the table, when only a sample of them was counted."""

    def shares(self) -> tuple[float, ...]:
        total = (sum(self.counts) + self.outside) or 1
        return tuple(count / total for count in self.counts)


class ColumnProfile(_Content):
    """A column of a raw table, all rows received so far."""

    entity: str
    column: str
    kind: Literal["number", "year", "time", "category", "text"]
    rows: int
    missing: int
    unreadable: int
    """Values that are not of the column's kind."""
    distinct: int
    """Exact up to a million rows, then approximate."""
    low: float | None
    high: float | None
    new_rows: int
    """Rows of batches that the last run did not know."""
    new_missing: int
    new_unreadable: int
    histogram: Histogram | None

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows if self.rows else 0.0

    @property
    def unreadable_share(self) -> float:
        return self.unreadable / self.rows if self.rows else 0.0


class MovedColumn(_Content):
    """A column in which something changed since the last run, or failed."""

    entity: str
    column: str
    why: tuple[str, ...]
    broken: int
    then: ColumnProfile | None
    now: ColumnProfile


class Columns(_Content):
    """Page 3."""

    moved: tuple[MovedColumn, ...]
    unmoved: int
    notes: tuple[str, ...]
    profiles: tuple[ColumnProfile, ...]


class Freshness(_Content):
    """How old the newest accepted record of a source is, by the shop's clock."""

    source: str
    entity: str
    newest: datetime | None
    days_behind: float | None
    last_load: datetime | None


class Activity(_Content):
    """How many users or products have how many interactions."""

    of: Literal["users", "products"]
    total: int
    buckets: tuple[tuple[str, int], ...]


class Matrix(_Content):
    """The user-item matrix: who interacted with what, impressions left out."""

    users: int
    products: int
    pairs: int
    filled: float
    activity: tuple[Activity, ...]


class Flag(_Content):
    """Values that a soft rule marked; they were kept."""

    entity: str
    column: str | None
    code: str
    words: str
    count: int
    share: float | None
    then: int | None
    examples: tuple[Example, ...]


class Trust(_Content):
    """Page 4."""

    freshness: tuple[Freshness, ...]
    matrix: Matrix | None
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]


class RuleCheck(_Content):
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


class TestCheck(_Content):
    """A test that dbt ran over the whole warehouse."""

    name: str
    about: str
    words: str
    status: str


class ContractCheck(_Content):
    """A landing contract: what the share of bad values in each batch was."""

    entity: str
    column: str
    check: str
    words: str
    records: int
    failures: int
    worst_share: float
    batches_over: int


class Batch(_Content):
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


class FileGroup(_Content):
    """The files of one entity in one folder, as one line."""

    entity: str
    pattern: str
    files: int
    bytes: int
    digest: str
    """sha256 of the file, or of the files' sha256 in the order of loading, one a line."""


class Appendix(_Content):
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


class Report(_Content):
    """A data-quality report."""

    format: int
    run: Run
    verdict: Verdict
    account: Account
    columns: Columns
    trust: Trust
    appendix: Appendix
