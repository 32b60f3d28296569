"""When each draft is told: the stream's own time against the wall's."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator

from streaming.simulator.draft import Draft
from streaming.stop_signals import Stop

BATCH = 500
"""Drafts told together at the most, when they do not have to wait."""

BEHIND = 1.0
"""Seconds that the stream may be behind (its reader was slow). It does not make up for more."""


class Pace:
    """Hands out drafts when they are due, in batches.

    Args:
        speed: seconds of the stream in one of the wall's; `math.inf`: without waiting.
        seconds: of the wall, after which it ends; None: never.
        stop: ends it when set.
    """

    def __init__(self, *, speed: float = 1.0, seconds: float | None = None, stop: Stop) -> None:
        self._speed = speed
        self._seconds = math.inf if seconds is None else seconds
        self._stop = stop

    def batches(self, drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
        """The drafts, in their order, none before it is due."""
        begin = time.monotonic()
        shift = 0.0  # by how much the reader's pauses have moved the time line
        batch: list[Draft] = []
        for draft in drafts:
            due = draft.at / self._speed + shift
            if batch and (len(batch) == BATCH or due > time.monotonic() - begin):
                yield batch
                batch = []
                behind = time.monotonic() - begin - due
                if behind > BEHIND and self._speed != math.inf:
                    shift, due = shift + behind, due + behind
            self._sleep(min(due, self._seconds) - (time.monotonic() - begin))
            if self._stop.is_set() or time.monotonic() - begin >= self._seconds:
                break
            batch.append(draft)
        if batch:
            yield batch

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)
