"""The verb that sends events: those of simulated visitors, or past events of any shop."""

from __future__ import annotations

import math
import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from orchestration.cli.app import STREAM, app
from recomart.settings import load_settings

if TYPE_CHECKING:
    from streaming.simulator import Producer
    from streaming.stop_signals import Stop

EVENTS_PER_SECOND = 1 / 1.5
VISITORS, REPLAY, FAULTS = "Visitors", "Replay", "Faults (shares from 0 to 1)"


class Target(StrEnum):
    """Where the events are sent."""

    STDOUT = "stdout"
    REDIS = "redis"
    KAFKA = "kafka"


def _speed(text: str) -> float:
    """A number above 0. `max` and 0 mean infinity."""
    if text in ("max", "0"):
        return math.inf
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise typer.BadParameter(f"'{text}' is neither a number above 0 nor 'max'")
    return value


def _instant(text: str) -> datetime:
    """An ISO time, in UTC unless it names another zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter(
            f"'{text}' is not a time; write it as 2026-03-31T09:30:00Z"
        ) from exc
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _option(help: str, panel: str, *names: str, **more: object) -> object:
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)  # type: ignore[arg-type]  # typer's own keywords


@app.command(rich_help_panel=STREAM)
def simulate(
    to: Annotated[
        Target,
        typer.Option(
            help="Write JSON lines to stdout, or entries to the shop's Redis Stream or Kafka topic"
        ),
    ] = Target.STDOUT,
    duration: Annotated[
        float | None, typer.Option(min=0, help="Stop after N seconds (default: run until Ctrl-C)")
    ] = None,
    events: Annotated[
        int | None, typer.Option(min=0, help="Stop after N events (default: run until Ctrl-C)")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Seed of the random choices; with --start, equal seeds give equal bytes "
            "(default: a new one for each run)",
        ),
    ] = None,
    rate: Annotated[
        float,
        _option(
            "Send N events per second, or as many as possible with 'max'",
            VISITORS,
            parser=_speed,
            metavar="N|max",
            show_default="one every 1.5 s",
        ),
    ] = EVENTS_PER_SECOND,
    start: Annotated[
        datetime | None,
        _option(
            "Date the first event at TIME (default: date events when they are sent)",
            VISITORS,
            parser=_instant,
            metavar="TIME",
        ),
    ] = None,
    replayed: Annotated[
        bool,
        _option(
            "Send past events from the warehouse; shops without simulated visitors always do",
            REPLAY,
            "--replay",
        ),
    ] = False,
    speed: Annotated[
        float,
        _option(
            "Replay N times as fast as it happened, or without waiting with 'max'; 60 replays an "
            "hour in a minute",
            REPLAY,
            parser=_speed,
            metavar="N|max",
        ),
    ] = 1.0,
    shift_clock: Annotated[
        bool, _option("Date past events now and give them new ids", REPLAY, "--shift-clock")
    ] = False,
    since: Annotated[
        datetime | None,
        _option("Only events at or after TIME", REPLAY, parser=_instant, metavar="TIME"),
    ] = None,
    until: Annotated[
        datetime | None,
        _option("Only events before TIME", REPLAY, parser=_instant, metavar="TIME"),
    ] = None,
    duplicates: Annotated[float, _option("Share of events sent twice", FAULTS)] = 0.0,
    late: Annotated[
        float, _option("Share of events dated a minute to three days in the past", FAULTS)
    ] = 0.0,
    out_of_order: Annotated[
        float, _option("Share of events sent after some later events", FAULTS)
    ] = 0.0,
    wrong_clocks: Annotated[
        float, _option("Share of events dated minutes to years in the future", FAULTS)
    ] = 0.0,
    malformed: Annotated[
        float, _option("Share of events sent with an extra line that is not an event", FAULTS)
    ] = 0.0,
    truth: Annotated[
        Path | None, _option("Write the faults that were injected to this JSON file", FAULTS)
    ] = None,
) -> None:
    """Send events of simulated visitors, or past events of any shop, until Ctrl-C."""
    from orchestration.simulation import ReplayOptions, Simulation
    from streaming.simulator import KafkaProducer, LineProducer, RedisProducer, Shares

    settings = load_settings()
    simulation = Simulation(
        rate=None if rate == math.inf else rate,
        replay_past=replayed,
        replay=ReplayOptions(speed, since, until, shift_clock),
        seed=seed,
        start=start,
        seconds=duration,
        events=events,
        shares=Shares(duplicates, late, out_of_order, wrong_clocks, malformed),
        truth=truth,
    )
    console = Console(stderr=True, highlight=False)

    def producer(stop: Stop) -> Producer:
        if to is Target.STDOUT:
            return LineProducer(sys.stdout.buffer)
        kind = RedisProducer if to is Target.REDIS else KafkaProducer
        return kind(settings, stop, lambda text: console.print(text, markup=False))

    with nullcontext() if to is Target.STDOUT else console.status("0 events") as status:
        try:
            sent = simulation.run(
                settings,
                producer,
                lambda sent: status.update(str(sent)) if status else None,
            )
        except BrokenPipeError:
            # the reader has closed the pipe; without this Python would print an error at its exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
    if to is not Target.STDOUT:
        console.print(f"sent {sent}")
