"""What a step of the pipeline reports while it runs, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Progress = Callable[[str, int, int], None]
"""Called as `progress(what, done, total)`; total is 0 if it is unknown."""


def no_progress(what: str, done: int, total: int) -> None:
    """A Progress that ignores its calls."""


@dataclass(frozen=True)
class StepResult:
    """One line of a run's summary, such as `51,204 rows` and `49,871 accepted · 27 duplicates`."""

    count: int
    unit: str
    detail: str = ""
    colour: Literal["green", "amber", "red"] = "green"
    """amber: someone should look at what the step found. red: do not rely on it."""
