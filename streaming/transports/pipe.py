"""JSON lines from a pipe, `recomart simulate | recomart stream`, or from a file."""

from __future__ import annotations

import os
import secrets
import select
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from streaming.received import Delivery
from streaming.records import MAX_KEPT_BYTES
from streaming.transports.transport import Backlog

READ_BYTES = 1 << 16


class Pipe:
    """Lines of a file descriptor, without blank lines. A pipe cannot redeliver."""

    name = "pipe"
    redelivers = False

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self._lines = 0
        self._waiting: list[Delivery] = []
        self._rest = b""
        self._skipping = False
        self._open = True

    @property
    def ended(self) -> bool:
        return not self._open and not self._waiting

    def read(self, limit: int, timeout: float) -> list[Delivery]:
        """As `Transport.read`. Memory holds at most one read of the pipe more than is returned."""
        end = time.monotonic() + timeout
        while not self._waiting and self._open:
            left = max(0.0, end - time.monotonic())
            if not select.select([self._descriptor], [], [], left)[0]:
                break
            self._take(os.read(self._descriptor, READ_BYTES))
        ready, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return ready

    def _take(self, piece: bytes) -> None:
        if not piece:
            self._open = False
            lines, self._rest = [self._rest], b""
        else:
            *lines, self._rest = (self._rest + piece).split(b"\n")
            if len(self._rest) > MAX_KEPT_BYTES:
                lines.append(self._rest)
                self._rest = b""
                self._deliver(lines)
                self._skipping = True
                return
        self._deliver(lines)

    def _deliver(self, lines: Sequence[bytes]) -> None:
        now = datetime.now(UTC)
        for line in lines:
            if self._skipping:
                self._skipping = False  # the rest of an overlong line, whose start was delivered
                continue
            self._lines += 1
            if line.strip():
                self._waiting.append(Delivery(f"{self._run}:{self._lines}", now, line))

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing to do: a producer of a pipe expects no acknowledgement."""

    def backlog(self) -> Backlog:
        return Backlog(None, len(self._waiting))

    def close(self) -> None:
        """Nothing to do: the descriptor belongs to the process."""
