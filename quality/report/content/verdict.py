"""Page 1: the verdict, its numbers and the worst problems."""

from __future__ import annotations

from typing import Literal

from quality.report.content.base import Content


class Number(Content):
    """One of the numbers of page 1, as a value and as it is shown."""

    name: str
    value: float | None
    shown: str
    change: str
    """Since the last run, as shown: '+12', 'no change', or '' on a first run."""


class Problem(Content):
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


class BatchBack(Content):
    """One batch of which more is used than at the last run."""

    entity: str
    batch_id: str
    source_file: str
    records: int
    lines: int


class TakenBack(Content):
    """What was set aside at the last run and is used now, thanks to a mended rule or format."""

    records: int
    lines: int
    files: int
    batches: tuple[BatchBack, ...]

    @property
    def any(self) -> bool:
        return bool(self.records or self.lines or self.files)


class Verdict(Content):
    """Page 1."""

    standing: Literal["good", "stopped", "not judged"]
    sentence: str
    notes: tuple[str, ...]
    numbers: tuple[Number, ...]
    problems: tuple[Problem, ...]
    further_problems: int
    taken_back: TakenBack
