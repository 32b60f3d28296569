"""`recomart simulate`: whose events are told. The demo shop has visitors; other shops have a past.

`streaming` tells what it is handed, and `ingestion` knows the tastes: they meet here, in an
iterator of visits, so neither imports the other and no tastes lie in a file where a model could
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
    Draft,
    FaultInjector,
    Pace,
    Producer,
    Sent,
    Shares,
    Truth,
    crowd,
    replay,
    simulate,
)
from streaming.stop_signals import Stop, stop_signals

NO_FAULTS = Shares()


@dataclass(frozen=True)
class Past:
    """Which events are replayed, and how fast.

    Args:
        speed: seconds of the past in one of now; `math.inf`: without waiting.
        since, until: from when on, and before when they happened (UTC).
        shift_clock: they happen now.
    """

    speed: float = 1.0
    since: datetime | None = None
    until: datetime | None = None
    shift_clock: bool = False


@dataclass(frozen=True)
class Simulation:
    """What one run of the simulator tells.

    Args:
        rate: events per second of visitors; None: as fast as can be.
        replays: tell the past, though there are visitors.
        past: which part of it, and how fast.
        seed: None: another one at every run.
        start: the time of the first visitor's event; None: events happen when they are told.
        seconds, events: when it ends; None: not before it is stopped.
        truth: a file for what was planted.
    """

    rate: float | None
    replays: bool = False
    past: Past = Past()
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
        """Tell the events until they end, or SIGINT or SIGTERM comes. The truth is written then.

        Args:
            producer: made when there is something to tell; what it is given ends its waits.

        Raises:
            NotReady: the demo shop was not generated, or there is no past to replay.
            BrokenPipeError: the reader of a pipe has gone.
        """
        now = datetime.now(UTC)
        seed = self.seed if self.seed is not None else int((self.start or now).timestamp() * 1e6)
        truth = Truth() if self.truth else None
        with _drafts(settings, self, seed, now) as (drafts, speed), stop_signals() as stop:
            try:
                return simulate(
                    drafts,
                    pace=Pace(speed=speed, seconds=self.seconds, stop=stop),
                    faults=FaultInjector(self.shares, seed, truth),
                    producer=producer(stop),
                    events=self.events,
                    watch=watch,
                )
            finally:
                if self.truth and truth:
                    told = {"seed": seed, "expected": truth.expected()} | truth.planted()
                    replace_text(self.truth, json.dumps(told, indent=1) + "\n")


@contextmanager
def _drafts(
    settings: Settings, simulation: Simulation, seed: int, now: datetime
) -> Iterator[tuple[Iterator[Draft], float]]:
    """What is told, and at which speed of its own time line."""
    if is_demo_shop(settings) and not simulation.replays:
        yield _visitors(settings, simulation, seed), math.inf if simulation.rate is None else 1.0
        return
    past = simulation.past
    shift_clock = now if past.shift_clock else None
    with replay(settings, since=past.since, until=past.until, shift_clock=shift_clock) as drafts:
        yield drafts, past.speed


def _visitors(settings: Settings, simulation: Simulation, seed: int) -> Iterator[Draft]:
    from demo_shop import generated, visitors
    from demo_shop.world import make_world

    plan = generated(settings)
    if plan is None:
        raise NotReady(
            "the demo shop has no visitors yet",
            where=str(settings.source_data),
            help="run 'recomart generate' first",
        )
    visits = visitors(make_world(plan), seed)
    return crowd(visits, rate=simulation.rate, seed=seed, start=simulation.start)
