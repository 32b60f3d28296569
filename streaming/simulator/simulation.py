"""Sends scheduled events through a fault injector to a producer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from streaming.simulator.fault_injector import FaultInjector
from streaming.simulator.messages import Message
from streaming.simulator.producers import Producer
from streaming.simulator.scheduled_event import ScheduledEvent
from streaming.simulator.scheduler import Scheduler


@dataclass(frozen=True)
class Sent:
    """How much a run has sent so far."""

    events: int
    messages: int
    seconds: float

    def __str__(self) -> str:
        rate = self.events / self.seconds if self.seconds else 0.0
        faults = f" in {self.messages:,} messages" if self.messages != self.events else ""
        return f"{self.events:,} events{faults} · {self.seconds:.1f} s · {rate:,.1f}/s"


def simulate(
    scheduled: Iterable[ScheduledEvent],
    *,
    scheduler: Scheduler,
    faults: FaultInjector,
    producer: Producer,
    limit: int | None = None,
    watch: Callable[[Sent], None] = lambda sent: None,
) -> Sent:
    """Send events until they end, the scheduler ends, or the limit is reached.

    Args:
        limit: send at most this many events; None: no limit.
        watch: called after each batch.

    Raises:
        BrokenPipeError: the reader has closed the pipe.
    """
    begin = time.monotonic()
    sent = Sent(0, 0, 0.0)
    for batch in scheduler.batches(islice(scheduled, limit)):
        now = datetime.now(UTC)
        messages: list[Message] = []
        for event in batch:
            messages.extend(faults.messages(event.event(now)))
        producer.send(messages)
        sent = Sent(
            sent.events + len(batch), sent.messages + len(messages), time.monotonic() - begin
        )
        watch(sent)
    delayed = list(faults.delayed())
    producer.send(delayed)
    producer.close()
    return Sent(sent.events, sent.messages + len(delayed), time.monotonic() - begin)
