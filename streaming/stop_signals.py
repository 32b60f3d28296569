"""Ctrl-C and SIGTERM as a flag that work checks where it can stop safely."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

POLL_SECONDS = 0.05


class Stop:
    """A flag that asks work to stop.

    A signal handler may set it at any moment. It could not set a `threading.Event` safely, because
    the interrupted code may hold the event's lock.
    """

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> bool:
        """Sleep this long, or until the flag is set. Returns whether it is set."""
        end = time.monotonic() + seconds
        while not self._set and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))
        return self._set


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """A flag that SIGTERM or SIGINT sets while the block runs. A second signal acts as usual."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
