"""Releases events when they are due: maps the stream's own time line to the wall clock."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator

from streaming.simulator.scheduled_event import ScheduledEvent
from streaming.stop_signals import Stop

BATCH = 500
"""The most events in one batch, when they are due without waiting."""

MAX_DELAY = 1.0
"""Seconds by which the stream may lag behind its schedule, because its reader was slow. It catches
up on that much; a longer delay moves the rest of the schedule."""


class Scheduler:
    """Yields events in batches when they are due.

    Args:
        speed: stream seconds per wall-clock second; `math.inf` does not wait.
        seconds: wall-clock seconds after which it ends; None: when the events end.
        stop: ends it when set.
    """

    def __init__(self, *, speed: float = 1.0, seconds: float | None = None, stop: Stop) -> None:
        self._speed = speed
        self._seconds = math.inf if seconds is None else seconds
        self._stop = stop

    def batches(self, events: Iterable[ScheduledEvent]) -> Iterator[list[ScheduledEvent]]:
        """The events in their order, each at or after its time."""
        begin = time.monotonic()
        shift = 0.0  # seconds by which the reader's pauses have moved the schedule
        batch: list[ScheduledEvent] = []
        for event in events:
            due = event.offset / self._speed + shift
            if batch and (len(batch) == BATCH or due > time.monotonic() - begin):
                yield batch
                batch = []
                delay = time.monotonic() - begin - due
                if delay > MAX_DELAY and self._speed != math.inf:
                    shift, due = shift + delay, due + delay
            self._sleep(min(due, self._seconds) - (time.monotonic() - begin))
            if self._stop.is_set() or time.monotonic() - begin >= self._seconds:
                break
            batch.append(event)
        if batch:
            yield batch

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)
