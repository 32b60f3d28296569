"""What a step of the pipeline reports: while it runs, and when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int], None]
"""Called as `progress(what, done, total)`; total is 0 when it is not known."""


def no_progress(what: str, done: int, total: int) -> None:
    """A Progress that shows nothing."""


@dataclass(frozen=True)
class StepResult:
    """One line of the run's summary: `51,204 rows` and `49,871 accepted · 27 duplicates`."""

    count: int
    unit: str
    detail: str = ""
