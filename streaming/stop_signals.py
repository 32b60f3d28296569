"""Ctrl-C and SIGTERM as a wish that work looks at where it can end well."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GLANCE_SECONDS = 0.05


class Stop:
    """A wish to end, once it is set.

    A signal handler may set it at any moment; it may not set a `threading.Event`, whose lock the
    interrupted code could be holding.
    """

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> bool:
        """Sleep so long, or until it is set; whether it is."""
        end = time.monotonic() + seconds
        while not self._set and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, GLANCE_SECONDS))
        return self._set


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Set by SIGTERM or SIGINT while the block runs; a second one is obeyed as usual."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def note(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
