"""The simulator itself: drafts told at a pace, through faults, to a producer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from streaming.simulator.draft import Draft
from streaming.simulator.fault_injector import FaultInjector
from streaming.simulator.messages import Message
from streaming.simulator.pace import Pace
from streaming.simulator.producers import Producer


@dataclass(frozen=True)
class Sent:
    """What a run has put on the stream so far."""

    events: int
    messages: int
    seconds: float

    def __str__(self) -> str:
        rate = self.events / self.seconds if self.seconds else 0.0
        faults = f" in {self.messages:,} messages" if self.messages != self.events else ""
        return f"{self.events:,} events{faults} · {self.seconds:.1f} s · {rate:,.1f}/s"


def simulate(
    drafts: Iterable[Draft],
    *,
    pace: Pace,
    faults: FaultInjector,
    producer: Producer,
    events: int | None = None,
    watch: Callable[[Sent], None] = lambda sent: None,
) -> Sent:
    """Tell drafts until they end, the pace does, or so many events are told.

    Args:
        events: the most; None: no limit.
        watch: called after every batch.

    Raises:
        BrokenPipeError: the reader of a pipe has gone.
    """
    begin = time.monotonic()
    sent = Sent(0, 0, 0.0)
    for batch in pace.batches(islice(drafts, events)):
        now = datetime.now(UTC)
        messages: list[Message] = []
        for draft in batch:
            messages.extend(faults.messages(draft.told(now)))
        producer.send(messages)
        sent = Sent(
            sent.events + len(batch), sent.messages + len(messages), time.monotonic() - begin
        )
        watch(sent)
    rest = list(faults.rest())
    producer.send(rest)
    producer.close()
    return Sent(sent.events, sent.messages + len(rest), time.monotonic() - begin)
