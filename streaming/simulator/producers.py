"""Where messages go: a pipe, or a Redis Stream. A producer waits for whoever is slower."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import IO, Protocol

from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as Away
from redis.exceptions import TimeoutError as Frozen

from recomart.redis import connect
from recomart.settings import Settings
from recomart.streams import FIELD, stream_key
from streaming.simulator.messages import Message
from streaming.stop_signals import Stop

Tell = Callable[[str], None]
"""Shows one line to whoever watches the producer."""

ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 0.2

FULL = ("OOM", "MISCONF")
"""How Redis begins its answer when it has no memory, or no disk, for another entry."""


class Producer(Protocol):
    """A stream's end to write to."""

    def send(self, messages: Sequence[Message]) -> None:
        """Put all messages on the stream; returns when they are there."""

    def close(self) -> None:
        """Finish what was begun."""


class LineProducer:
    """Lines of a pipe, each batch flushed. BrokenPipeError when its reader has gone."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def send(self, messages: Sequence[Message]) -> None:
        self._out.write(b"".join(message.line + b"\n" for message in messages))
        self._out.flush()

    def close(self) -> None:
        self._out.flush()


class RedisProducer:
    """Entries of the shop's Redis Stream.

    A Redis that is full or away makes it wait, with one line when it begins to and one when it
    goes on. After a lost connection it cannot know what had arrived, and sends the batch again:
    the same `event_id` then comes twice, and counts once.

    Args:
        stop: ends a wait when set; what was not sent is dropped.

    Raises:
        RedisUnavailable: no server answers at the start.
    """

    def __init__(self, settings: Settings, stop: Stop, tell: Tell) -> None:
        self._client = connect(settings, deadline=ANSWER_SECONDS)
        self._key = stream_key(settings.feast_project)
        self._stop = stop
        self._tell = tell

    def send(self, messages: Sequence[Message]) -> None:
        left, why, since = self._add(messages)
        if not left:
            return
        self._tell(f"{why}: the producer waits")
        while left and not self._stop.wait(PAUSE_SECONDS):
            left, _, _ = self._add(left)
        if not left:
            self._tell(f"the producer goes on after {time.monotonic() - since:.1f} s")

    def close(self) -> None:
        self._client.close()

    def _add(self, messages: Sequence[Message]) -> tuple[list[Message], str, float]:
        """What could not be added, why, and when that was."""
        pipeline = self._client.pipeline(transaction=False)
        for message in messages:
            pipeline.xadd(self._key, {FIELD: message.line})
        try:
            replies = pipeline.execute(raise_on_error=False)
        except (Away, Frozen, BusyLoadingError) as exc:
            return list(messages), f"Redis does not answer ({exc})", time.monotonic()
        left = []
        why = ""
        for message, reply in zip(messages, replies, strict=True):
            if isinstance(reply, ResponseError) and _is_full(reply):
                left.append(message)
                why = f"Redis is full ({reply})"
            elif isinstance(reply, RedisError):
                raise reply
        return left, why, time.monotonic()


def _is_full(reply: ResponseError) -> bool:
    # redis-py has a class of its own for OOM, and takes the code off its text
    return type(reply).__name__ == "OutOfMemoryError" or str(reply).startswith(FULL)
