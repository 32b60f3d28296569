"""The counts of a consumer since its start, and the reports that it publishes in Redis."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import redis

from feature_store.realtime.streams import consumers_key
from recomart.settings import Settings
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
    """`received_at` of the newest delivery."""

    @property
    def events(self) -> int:
        return self.deliveries - self.dead_letters

    def sentence(self) -> str:
        """The counts as one line for the user."""
        added = self.added
        return (
            f"{self.deliveries:,} received: {self.events:,} events and "
            f"{self.dead_letters:,} dead letters; real-time features: {added.new:,} new, "
            f"{added.duplicates:,} duplicates, {added.late:,} late, {added.ahead:,} dated ahead"
        )


@dataclass(frozen=True)
class ConsumerReport:
    """The state of a consumer, which it publishes about once a second. Times are epoch seconds."""

    consumer: str
    pid: int
    transport: str
    started_at: float
    reported_at: float
    rate: float
    """Deliveries per second, over the last ten seconds."""
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
    """Publishes the reports of this process, which is one consumer."""

    def __init__(
        self, client: redis.Redis, settings: Settings, consumer: str, transport: str
    ) -> None:
        self._client = client
        self._key = consumers_key(settings.feast_project)
        self._consumer = consumer
        self._transport = transport
        self._started_at = time.time()
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._next_at = 0.0

    def report(self, counts: Counts, waiting_for: str | None, *, ended: bool = False) -> None:
        """Publish a report, unless the last one is less than a second old.

        Raises:
            RedisError: the server did not accept it.
        """
        now = time.monotonic()
        if now < self._next_at and not ended:
            return
        self._next_at = now + 1.0
        self._samples.append((now, counts.deliveries))
        while len(self._samples) > 2 and self._samples[1][0] < now - RATE_SECONDS:
            self._samples.popleft()
        then, before = self._samples[0]
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
        if ended:  # without this, reports of hosts that no longer exist would stay
            found: Any = self._client.hgetall(self._key)
            old = [name for name, text in found.items() if _report(text) is None]
            if old:
                self._client.hdel(self._key, *old)


def reports(client: redis.Redis, settings: Settings) -> list[ConsumerReport]:
    """The newest report of each consumer of the last day, ordered by name."""
    found: Any = client.hgetall(consumers_key(settings.feast_project))
    parsed = (_report(found[name]) for name in sorted(found))
    return [report for report in parsed if report is not None]


def _report(text: bytes) -> ConsumerReport | None:
    """None if it is older than a day, or of another version of RecoMart."""
    try:
        report = ConsumerReport(**json.loads(text))
    except TypeError:
        return None
    return report if report.reported_at > time.time() - KEPT_SECONDS else None
