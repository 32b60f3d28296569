"""The speed layer: writes each delivery to disk first, and then to the real-time state.

The order of work makes it safe to kill it at any point. A micro-batch is validated, appended to the
open segments and fsynced; then it is written to the state in Redis; then it is acknowledged. An
interrupted batch is delivered again, which changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from redis.exceptions import RedisError

from streaming.counts import Counts, Reporter
from streaming.journal import Journal
from streaming.received import DeadLetter, Delivery, Received
from streaming.retrier import Retrier
from streaming.state import RealtimeState
from streaming.transports.transport import Transport
from streaming.validation import validate

log = logging.getLogger(__name__)

READ_WAIT = 0.2
"""Seconds that a read may wait. It limits how long a stop signal takes."""
TAKE_OVER_SECONDS = 30.0
"""How often to look for segments of dead consumers."""
GRACE_SECONDS = 5.0
"""How long to read the rest of a pipe after a stop."""


@dataclass(frozen=True)
class ConsumerOptions:
    """The size of a micro-batch, and when to stop.

    Args:
        batch_size: the most events in one micro-batch.
        linger: seconds that the first event of a micro-batch waits for others to share its fsync.
        seconds: stop after this many seconds; None: never.
        idle_exit: stop after the transport was empty for this many seconds; None: never.
    """

    batch_size: int = 1_000
    linger: float = 0.02
    seconds: float | None = None
    idle_exit: float | None = None


class SpeedLayer:
    """One running consumer."""

    def __init__(
        self,
        transport: Transport,
        journal: Journal,
        state: RealtimeState,
        reporter: Reporter,
        retrier: Retrier,
        options: ConsumerOptions,
        stopped: Callable[[], bool],
        recover: Callable[[], Iterable[list[Received]]],
    ) -> None:
        """Args:
        recover: seals the segments that dead consumers left open, and yields their events.
        """
        self._transport = transport
        self._journal = journal
        self._state = state
        self._reporter = reporter
        self._retrier = retrier
        self._options = options
        self._stopped = stopped
        self._recover = recover
        self._take_over_at = 0.0
        self._heartbeat_at = 0.0
        self.counts = Counts()

    def run(self) -> Counts:
        """Consume until the user stops it, the time is up, or the transport has ended.

        Raises:
            StreamInterrupted: the user stopped it while Redis or the disk was unavailable.
        """
        started = idle_since = time.monotonic()
        while not self._is_over(started):
            if time.monotonic() >= self._take_over_at:
                self._take_over()
            batch = self._read_batch()
            if batch:
                self._process(batch)
                idle_since = time.monotonic()
            elif self._transport.ended or self._idled_out(idle_since):
                break
            else:
                self._heartbeat()
            self._journal.seal_due()
            self.report()
        if not self._transport.redelivers:
            self._drain()
        self._journal.seal()
        self._take_over()
        self.report(ended=True)
        return self.counts

    def _take_over(self) -> None:
        """Write the events of dead consumers to the state, in case they died before they did."""
        for events in self._recover():
            self._retrier.until_done(partial(self._state.add, events, replayed=True))
        self._take_over_at = time.monotonic() + TAKE_OVER_SECONDS

    def _is_over(self, started: float) -> bool:
        limit = self._options.seconds
        return self._stopped() or (limit is not None and time.monotonic() - started >= limit)

    def _idled_out(self, idle_since: float) -> bool:
        limit = self._options.idle_exit
        if limit is None or time.monotonic() - idle_since < limit:
            return False
        backlog = self._retrier.until_done(self._transport.backlog)
        return not backlog.pending and not backlog.lag

    def _read_batch(self) -> list[Delivery]:
        """A micro-batch: deliveries until it is full, or until its first one has lingered."""
        batch = self._retrier.until_done(
            lambda: self._transport.read(self._options.batch_size, READ_WAIT)
        )
        end = time.monotonic() + self._options.linger
        while (
            batch and len(batch) < self._options.batch_size and (left := end - time.monotonic()) > 0
        ):
            try:
                more = self._transport.read(self._options.batch_size - len(batch), left)
            except RedisError:
                break  # process these first; the next read will fail again
            batch += more
            if self._transport.ended:
                break
        return batch

    def _drain(self) -> None:
        """Process the rest of a pipe, which will not redeliver it."""
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end and (
            batch := self._transport.read(self._options.batch_size, 0.0)
        ):
            self._process(batch)

    def _process(self, batch: list[Delivery]) -> None:
        events: list[Received] = []
        letters: list[DeadLetter] = []
        for delivery in batch:
            result = validate(delivery)
            if isinstance(result, Received):
                events.append(result)
            else:
                letters.append(result)
        self._retrier.until_done(lambda: self._journal.append(events, letters))
        added = self._retrier.until_done(lambda: self._state.add(events))
        self._retrier.until_done(lambda: self._transport.acknowledge(batch))
        self.counts.deliveries += len(batch)
        self.counts.dead_letters += len(letters)
        self.counts.added += added
        self.counts.last_event_at = batch[-1].received_at

    def _heartbeat(self) -> None:
        """Record that the state is up to date although nothing arrived."""
        if time.monotonic() >= self._heartbeat_at:
            self._retrier.until_done(self._state.heartbeat)
            self._heartbeat_at = time.monotonic() + 1.0

    def report(self, *, ended: bool = False) -> None:
        """Publish a report for `recomart stream status`, at most once a second."""
        try:
            self._reporter.report(self.counts, self._retrier.waiting_for, ended=ended)
        except RedisError as exc:
            log.debug("no report: %s", exc)  # the next report replaces it
