"""What a consumer has done since it started, and how others see it."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis

from recomart.settings import Settings
from recomart.streams import consumers_key
from streaming.state import Added

RATE_SECONDS = 10.0
KEPT_SECONDS = 86_400.0


@dataclass
class Counts:
    """Deliveries of one consumer. deliveries = events + dead_letters; events = the terms of Added."""

    deliveries: int = 0
    dead_letters: int = 0
    added: Added = field(default_factory=Added)
    last_event_at: datetime | None = None
    """received_at of the newest delivery."""

    @property
    def events(self) -> int:
        return self.deliveries - self.dead_letters

    def sentence(self) -> str:
        """The counts as one line for the user."""
        added = self.added
        return (
            f"{self.deliveries:,} received: {self.events:,} events and "
            f"{self.dead_letters:,} dead letters; real-time features: {added.new:,} new, "
            f"{added.duplicates:,} duplicates, {added.late:,} late, {added.ahead:,} ahead of the clock"
        )


@dataclass(frozen=True)
class ConsumerReport:
    """How a consumer fares, as it says itself about once a second. Times are epoch seconds."""

    consumer: str
    pid: int
    transport: str
    started_at: float
    reported_at: float
    rate: float
    """Deliveries a second over the last ten."""
    deliveries: int
    dead_letters: int
    new: int
    duplicates: int
    late: int
    ahead: int
    last_event_at: float | None
    waiting_for: str | None
    ended: bool = False


class Reporter:
    """Writes the reports of one consumer, this process."""

    def __init__(
        self, client: redis.Redis, settings: Settings, consumer: str, transport: str
    ) -> None:
        self._client = client
        self._key = consumers_key(settings.feast_project)
        self._consumer = consumer
        self._transport = transport
        self._started_at = time.time()
        self._past: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._next = 0.0

    def report(self, counts: Counts, waiting_for: str | None, *, ended: bool = False) -> None:
        """Write a report, unless the last one is less than a second old.

        Raises:
            RedisError: the server did not take it.
        """
        now = time.monotonic()
        if now < self._next and not ended:
            return
        self._next = now + 1.0
        self._past.append((now, counts.deliveries))
        while len(self._past) > 2 and self._past[1][0] < now - RATE_SECONDS:
            self._past.popleft()
        then, before = self._past[0]
        report = ConsumerReport(
            consumer=self._consumer,
            pid=os.getpid(),
            transport=self._transport,
            started_at=self._started_at,
            reported_at=time.time(),
            rate=(counts.deliveries - before) / max(now - then, 0.001),
            deliveries=counts.deliveries,
            dead_letters=counts.dead_letters,
            **asdict(counts.added),
            last_event_at=counts.last_event_at.timestamp() if counts.last_event_at else None,
            waiting_for=waiting_for,
            ended=ended,
        )
        self._client.hset(self._key, self._consumer, json.dumps(asdict(report)))
        if ended:  # else every host that ever was would stay
            found: Any = self._client.hgetall(self._key)
            old = [name for name, text in found.items() if _report(text) is None]
            if old:
                self._client.hdel(self._key, *old)


def reports(client: redis.Redis, settings: Settings) -> list[ConsumerReport]:
    """The newest report of every consumer of the last day, by name."""
    found: Any = client.hgetall(consumers_key(settings.feast_project))
    told = (_report(found[name]) for name in sorted(found))
    return [report for report in told if report is not None]


def _report(text: bytes) -> ConsumerReport | None:
    """None when it is older than a day, or of another version of this program."""
    try:
        report = ConsumerReport(**json.loads(text))
    except TypeError:
        return None
    return report if report.reported_at > time.time() - KEPT_SECONDS else None


def instant(seconds: float) -> datetime:
    """Epoch seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
