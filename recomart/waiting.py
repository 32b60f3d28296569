"""Waiting for something that another process does: a port that answers, a file that appears."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def wait_until(check: Callable[[], Result], timeout: float, *, poll: float = 0.05) -> Result | None:
    """Call `check` until it returns something true.

    Args:
        timeout: seconds after which to give up; `check` is called at least once.
        poll: seconds between two calls.

    Returns:
        What `check` returned; None when it returned nothing true in time.
    """
    end = time.monotonic() + timeout
    while True:
        if result := check():
            return result
        if time.monotonic() >= end:
            return None
        time.sleep(poll)
