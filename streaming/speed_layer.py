"""The speed layer: what a transport delivers is kept first, then counts in the real-time state.

The order of work makes it safe to kill it anywhere: a micro-batch is validated, appended to the
open segments and fsynced; then the state in Redis is written; then the transport hears that it
need not deliver again. What was interrupted comes again, and changes nothing.
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
from streaming.validation import validated

log = logging.getLogger(__name__)

READ_WAIT = 0.2
"""Seconds that a read may wait, which is how soon a signal is obeyed."""
TAKE_OVER_SECONDS = 30.0
"""How often to look for segments of consumers that died."""
GRACE_SECONDS = 5.0
"""For what an ending pipe still holds."""


@dataclass(frozen=True)
class Pace:
    """The size and time of a micro-batch, and when to end.

    Args:
        most: events of one micro-batch.
        linger: seconds that the first event of a micro-batch waits for others to share its fsync.
        seconds: end after so many; None: never.
        idle_exit: end after so many seconds in which the transport had nothing left; None: never.
    """

    most: int = 1_000
    linger: float = 0.02
    seconds: float | None = None
    idle_exit: float | None = None


class SpeedLayer:
    """One consumer at work."""

    def __init__(
        self,
        transport: Transport,
        journal: Journal,
        state: RealtimeState,
        reporter: Reporter,
        retrier: Retrier,
        pace: Pace,
        stopped: Callable[[], bool],
        left_open: Callable[[], Iterable[list[Received]]],
    ) -> None:
        """Args:
        left_open: mends and seals what dead consumers left open, and gives its events.
        """
        self._transport = transport
        self._journal = journal
        self._state = state
        self._reporter = reporter
        self._retrier = retrier
        self._pace = pace
        self._stopped = stopped
        self._left_open = left_open
        self._take_over_at = 0.0
        self._beat_at = 0.0
        self.counts = Counts()

    def run(self) -> Counts:
        """Work until asked to stop, the time is up, or there is nothing more.

        Raises:
            StreamInterrupted: asked to stop while Redis or the disk refused.
        """
        started = idle_since = time.monotonic()
        while not self._is_over(started):
            if time.monotonic() >= self._take_over_at:
                self._take_over()
            batch = self._gather()
            if batch:
                self._process(batch)
                idle_since = time.monotonic()
            elif self._transport.ended or self._idled_out(idle_since):
                break
            else:
                self._beat()
            self._journal.seal_due()
            self.report()
        if not self._transport.redelivers:
            self._drain()
        self._journal.seal()
        self._take_over()
        self.report(ended=True)
        return self.counts

    def _take_over(self) -> None:
        """Write the state of what dead consumers kept, and perhaps did no more with."""
        for events in self._left_open():
            self._retrier.until_done(partial(self._state.add, events, again=True))
        self._take_over_at = time.monotonic() + TAKE_OVER_SECONDS

    def _is_over(self, started: float) -> bool:
        limit = self._pace.seconds
        return self._stopped() or (limit is not None and time.monotonic() - started >= limit)

    def _idled_out(self, idle_since: float) -> bool:
        limit = self._pace.idle_exit
        if limit is None or time.monotonic() - idle_since < limit:
            return False
        backlog = self._retrier.until_done(self._transport.backlog)
        return not backlog.pending and not backlog.lag

    def _gather(self) -> list[Delivery]:
        """A micro-batch: what comes until it is full, or the first of it has lingered."""
        batch = self._retrier.until_done(lambda: self._transport.read(self._pace.most, READ_WAIT))
        end = time.monotonic() + self._pace.linger
        while batch and len(batch) < self._pace.most and (left := end - time.monotonic()) > 0:
            try:
                more = self._transport.read(self._pace.most - len(batch), left)
            except RedisError:
                break  # first do what is here; the next read will say it again
            batch += more
            if self._transport.ended:
                break
        return batch

    def _drain(self) -> None:
        """Take what is in a pipe that will not deliver it again."""
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end and (batch := self._transport.read(self._pace.most, 0.0)):
            self._process(batch)

    def _process(self, batch: list[Delivery]) -> None:
        events: list[Received] = []
        letters: list[DeadLetter] = []
        for delivery in batch:
            found = validated(delivery)
            if isinstance(found, Received):
                events.append(found)
            else:
                letters.append(found)
        self._retrier.until_done(lambda: self._journal.append(events, letters))
        added = self._retrier.until_done(lambda: self._state.add(events))
        self._retrier.until_done(lambda: self._transport.acknowledge(batch))
        self.counts.deliveries += len(batch)
        self.counts.dead_letters += len(letters)
        self.counts.added += added
        self.counts.last_event_at = batch[-1].received_at

    def _beat(self) -> None:
        """Nothing came: say that the state knows all that there is."""
        if time.monotonic() >= self._beat_at:
            self._retrier.until_done(self._state.beat)
            self._beat_at = time.monotonic() + 1.0

    def report(self, *, ended: bool = False) -> None:
        """Tell `recomart stream status` how it goes, at most once a second."""
        try:
            self._reporter.report(self.counts, self._retrier.waiting_for, ended=ended)
        except RedisError as exc:
            log.debug("no report: %s", exc)  # the next one will do; what matters is elsewhere
