"""Retrying while a service is unavailable for a time: Redis, Kafka, or the disk of the lake."""

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
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from recomart.errors import KafkaUnavailable, StreamInterrupted

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_REDIS_REFUSALS = ("LOADING", "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED")
"""Errors of a Redis server that pass: it is loading its data, is a replica, cannot write to its
disk, runs a long script, or the stream that we waited for was deleted."""


class Retrier:
    """Retries an action until it succeeds or the user stops the program.

    It prints one line when it starts to wait, and one when it resumes.

    Args:
        say: prints one line for the user.
        stopped: whether the user has asked to stop.
        before_retry: called with the error before each pause, for instance to restart a server.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        stopped: Callable[[], bool],
        before_retry: Callable[[BaseException], None] = lambda exc: None,
    ) -> None:
        self._say = say
        self.waiting_for: str | None = None
        # tenacity and not stamina: stamina has no hook for the user's stop, and logs every attempt
        self._retrying = Retrying(
            retry=retry_if_exception(lambda exc: retry_reason(exc) is not None),
            after=self._announce,
            stop=lambda state: stopped(),
            retry_error_callback=_interrupted,
            before_sleep=lambda state: before_retry(_error_of(state)),
            wait=wait_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        )

    def until_done(self, action: Callable[[], T]) -> T:
        """The result of `action`, once it succeeds. Repeating the action must change nothing.

        Raises:
            StreamInterrupted: the user stopped the program while the action still failed.
        """
        started = time.monotonic()
        result: T = self._retrying(action)
        if self.waiting_for is not None:
            self._say(f"resumed after {time.monotonic() - started:.1f} s")
            self.waiting_for = None
        return result

    def _announce(self, state: RetryCallState) -> None:
        reason = retry_reason(_error_of(state))
        if reason != self.waiting_for:
            self._say(f"{reason}; waiting, and not reading or acknowledging events")
            self.waiting_for = reason


def _error_of(state: RetryCallState) -> BaseException:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None, "tenacity calls its hooks after a failure"
    return error


def _interrupted(state: RetryCallState) -> None:
    error = _error_of(state)
    raise StreamInterrupted(
        f"the speed layer was stopped while it was waiting: {retry_reason(error)}",
        found=f"it retried for {state.seconds_since_start or 0:.0f} s",
        help="fix the cause and start it again; it continues where it stopped",
    ) from error


def retry_reason(error: BaseException) -> str | None:
    """Why an error may pass with time, in words; None for an error that waiting does not fix."""
    if isinstance(error, RedisTimeoutError):
        return "Redis does not answer (frozen or overloaded)"
    if isinstance(error, KafkaUnavailable):
        return f"Kafka is unavailable ({error.found})"
    if isinstance(error, BusyLoadingError | RedisConnectionError):
        return "Redis is down or still starting"
    if isinstance(error, RedisError) and (
        isinstance(error, OutOfMemoryError) or str(error).startswith("OOM")
    ):
        return "Redis is at its memory limit (OOM): raise maxmemory or free some memory"
    if isinstance(error, ReadOnlyError) or (
        isinstance(error, ResponseError) and str(error).startswith(_REDIS_REFUSALS)
    ):
        return f"Redis refuses writes: {error}"
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return f"the lake's disk cannot store the segment ({error.strerror})"
    return None
