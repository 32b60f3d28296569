"""`recomart simulate`: chooses whose events are sent, those of visitors or past events.

`demo_shop` knows the tastes of its visitors, and `streaming` sends events. They meet here, in an
iterator of visits, so neither imports the other, and no file has the tastes, where a model could
read them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from demo_shop.source_data import is_demo_shop
from recomart.errors import NotReady
from recomart.files import replace_text
from recomart.settings import Settings
from streaming.simulator import (
    FaultInjector,
    Producer,
    ScheduledEvent,
    Scheduler,
    Sent,
    Shares,
    Truth,
    interleave,
    replay,
    simulate,
)
from streaming.stop_signals import Stop, stop_signals

NO_FAULTS = Shares()


@dataclass(frozen=True)
class ReplayOptions:
    """Which past events are replayed, and how fast.

    Args:
        speed: past seconds per second; `math.inf` does not wait.
        since: only events at or after this time (UTC).
        until: only events before this time (UTC).
        shift_clock: the events happen now, as new ones.
    """

    speed: float = 1.0
    since: datetime | None = None
    until: datetime | None = None
    shift_clock: bool = False


@dataclass(frozen=True)
class Simulation:
    """One run of the simulator.

    Args:
        rate: events of visitors per second; None: without waiting.
        replay_past: send past events even if the shop has simulated visitors.
        replay: which past events, and how fast.
        seed: None: a new one for each run.
        start: the time of the visitors' first event; None: events happen when they are sent.
        seconds: stop after this many seconds; None: do not stop.
        events: stop after this many events; None: do not stop.
        shares: the faults to inject.
        truth: a JSON file for the injected faults and the expected counts.
    """

    rate: float | None
    replay_past: bool = False
    replay: ReplayOptions = ReplayOptions()
    seed: int | None = None
    start: datetime | None = None
    seconds: float | None = None
    events: int | None = None
    shares: Shares = NO_FAULTS
    truth: Path | None = None

    def run(
        self,
        settings: Settings,
        producer: Callable[[Stop], Producer],
        watch: Callable[[Sent], None] = lambda sent: None,
    ) -> Sent:
        """Send events until they end, a limit is reached, or SIGINT or SIGTERM arrives.

        The file of the injected faults is written at the end.

        Args:
            producer: called once there is something to send; its argument ends the producer's
                waits.
            watch: called after each batch.

        Raises:
            NotReady: the demo shop is not generated, or there are no past events.
            BrokenPipeError: the reader has closed the pipe.
        """
        now = datetime.now(UTC)
        seed = self.seed if self.seed is not None else int((self.start or now).timestamp() * 1e6)
        truth = Truth() if self.truth else None
        with _source(settings, self, seed, now) as (scheduled, speed), stop_signals() as stop:
            try:
                return simulate(
                    scheduled,
                    scheduler=Scheduler(speed=speed, seconds=self.seconds, stop=stop),
                    faults=FaultInjector(self.shares, seed, truth),
                    producer=producer(stop),
                    limit=self.events,
                    watch=watch,
                )
            finally:
                if self.truth and truth:
                    record = {"seed": seed, "expected": truth.expected()} | truth.planted()
                    replace_text(self.truth, json.dumps(record, indent=1) + "\n")


@contextmanager
def _source(
    settings: Settings, simulation: Simulation, seed: int, now: datetime
) -> Iterator[tuple[Iterator[ScheduledEvent], float]]:
    """The events to send, and the speed of their time line."""
    if is_demo_shop(settings) and not simulation.replay_past:
        yield _visitors(settings, simulation, seed), math.inf if simulation.rate is None else 1.0
        return
    options = simulation.replay
    shift_clock = now if options.shift_clock else None
    with replay(
        settings, since=options.since, until=options.until, shift_clock=shift_clock
    ) as scheduled:
        yield scheduled, options.speed


def _visitors(settings: Settings, simulation: Simulation, seed: int) -> Iterator[ScheduledEvent]:
    from demo_shop import generated, visitors
    from demo_shop.world import make_world

    plan = generated(settings)
    if plan is None:
        raise NotReady(
            "the demo shop is not generated yet, so it has no visitors",
            where=str(settings.source_data),
            help="run 'recomart generate' first",
        )
    visits = visitors(make_world(plan), seed)
    return interleave(visits, rate=simulation.rate, seed=seed, start=simulation.start)
