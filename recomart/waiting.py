"""Waiting for a condition: a server that answers, a process that ends, a file that appears."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def wait_until(
    check: Callable[[], Result],
    timeout: float,
    *,
    give_up: Callable[[], bool] = lambda: False,
    poll: float = 0.05,
) -> Result | None:
    """Call `check` until it returns something true.

    Args:
        timeout: seconds after which to give up; `check` is called at least once.
        give_up: ends the wait early when it returns true, such as when a server has died.
        poll: seconds between two calls.

    Returns:
        What `check` returned; None when it returned nothing true in time.
    """
    end = time.monotonic() + timeout
    while True:
        if result := check():
            return result
        if give_up() or time.monotonic() >= end:
            return None
        time.sleep(poll)
