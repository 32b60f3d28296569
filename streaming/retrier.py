"""Waiting for what refuses now and may not later: Redis or Kafka that is away or full, a full disk."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from recomart.errors import KafkaUnavailable, StreamInterrupted

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_REFUSALS = ("LOADING", "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED")
"""Replies of a server that cannot now: starting, a replica, its disk full, at a long script,
or its stream was deleted while we waited for it."""


class Retrier:
    """Tries until it works or the user ends it, and says once what it waits for."""

    def __init__(
        self,
        say: Callable[[str], None],
        stopped: Callable[[], bool],
        before_retry: Callable[[Exception], None] = lambda exc: None,
    ) -> None:
        """Args:
        say: takes one line for the user.
        stopped: whether the user wants an end.
        before_retry: what may help or tell others, given what went wrong.
        """
        self._say = say
        self._stopped = stopped
        self._before_retry = before_retry
        self.waiting_for: str | None = None

    def until_done(self, action: Callable[[], T]) -> T:
        """What `action` returns, once it does. It must be such that doing it twice changes nothing.

        Raises:
            StreamInterrupted: the user wanted an end while it still failed.
        """
        pause, started = FIRST_PAUSE, time.monotonic()
        while True:
            try:
                done = action()
            except (RedisError, KafkaUnavailable, OSError) as exc:
                reason = refusal(exc)
                if reason is None:
                    raise
                if reason != self.waiting_for:
                    self._say(f"{reason}; nothing is acknowledged meanwhile, and reading waits")
                    self.waiting_for = reason
                if self._stopped():
                    raise StreamInterrupted(
                        f"the speed layer was stopped while it waited: {reason}",
                        found=f"tried for {time.monotonic() - started:.0f} s",
                        help="mend that and start it again: it goes on where it was",
                    ) from exc
                failed: Exception = exc
            else:
                if self.waiting_for is not None:
                    self._say(f"goes on after {time.monotonic() - started:.1f} s")
                    self.waiting_for = None
                return done
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            self._before_retry(failed)


def refusal(exc: Exception) -> str | None:
    """What is wrong, in words, when it may pass; None for what waiting does not mend."""
    if isinstance(exc, RedisTimeoutError):
        return "Redis does not answer (frozen, or far too slow)"
    if isinstance(exc, KafkaUnavailable):
        return f"Kafka refuses, or does not answer ({exc.found})"
    if isinstance(exc, BusyLoadingError | RedisConnectionError):
        return "Redis is away or still starting"
    if isinstance(exc, OutOfMemoryError) or str(exc).startswith("OOM"):
        return "Redis is at its memory limit (OOM): raise maxmemory, or free some of it"
    if isinstance(exc, ReadOnlyError) or (
        isinstance(exc, ResponseError) and str(exc).startswith(_REFUSALS)
    ):
        return f"Redis refuses: {exc}"
    if isinstance(exc, OSError) and exc.errno in _FULL:
        return f"the lake's disk cannot take the segment ({exc.strerror})"
    return None
