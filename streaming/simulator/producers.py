"""Producers that send messages to a pipe or a Redis Stream, and wait when the receiver is slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import IO, Protocol

from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from feature_store.online.redis import connect
from feature_store.realtime.streams import FIELD, stream_key
from recomart.settings import Settings
from streaming.simulator.messages import Message
from streaming.stop_signals import Stop

Say = Callable[[str], None]
"""Prints one line for the user."""

ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 0.2

FULL = ("OOM", "MISCONF")
"""How an error of Redis begins when it has no memory or no disk space for another entry."""


class Producer(Protocol):
    """The sending end of a stream."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send all messages; returns when the stream has them."""

    def close(self) -> None:
        """Send what is buffered, and release the connection."""


class LineProducer:
    """Writes lines to a pipe, flushed after each batch. Raises BrokenPipeError when its reader closes."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def send(self, messages: Sequence[Message]) -> None:
        self._out.write(b"".join(message.line + b"\n" for message in messages))
        self._out.flush()

    def close(self) -> None:
        self._out.flush()


class RedisProducer:
    """Adds entries to the shop's Redis Stream.

    It waits while Redis is full or down, with one line when the wait begins and one when it ends.
    After a lost connection it cannot know which messages arrived, so it sends the batch again. An
    `event_id` that arrives twice counts once.

    Args:
        stop: ends a wait when set; unsent messages are dropped.

    Raises:
        RedisUnavailable: no server answers at the start.
    """

    def __init__(self, settings: Settings, stop: Stop, say: Say) -> None:
        self._client = connect(settings, deadline=ANSWER_SECONDS)
        self._key = stream_key(settings.feast_project)
        self._stop = stop
        self._say = say

    def send(self, messages: Sequence[Message]) -> None:
        left, reason, since = self._add(messages)
        if not left:
            return
        self._say(f"{reason}: the producer is waiting")
        while left and not self._stop.wait(PAUSE_SECONDS):
            left, _, _ = self._add(left)
        if not left:
            self._say(f"the producer resumed after {time.monotonic() - since:.1f} s")

    def close(self) -> None:
        self._client.close()

    def _add(self, messages: Sequence[Message]) -> tuple[list[Message], str, float]:
        """The messages that could not be added, the reason, and the time."""
        pipeline = self._client.pipeline(transaction=False)
        for message in messages:
            pipeline.xadd(self._key, {FIELD: message.line})
        try:
            replies = pipeline.execute(raise_on_error=False)
        except (RedisConnectionError, RedisTimeoutError, BusyLoadingError) as exc:
            return list(messages), f"Redis does not answer ({exc})", time.monotonic()
        left = []
        reason = ""
        for message, reply in zip(messages, replies, strict=True):
            if isinstance(reply, ResponseError) and _is_full(reply):
                left.append(message)
                reason = f"Redis is full ({reply})"
            elif isinstance(reply, RedisError):
                raise reply
        return left, reason, time.monotonic()


def _is_full(reply: ResponseError) -> bool:
    # redis-py has its own class for OOM, and removes the code from the text
    return type(reply).__name__ == "OutOfMemoryError" or str(reply).startswith(FULL)
