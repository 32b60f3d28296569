"""The verb that tells events: of the demo shop's visitors, or of any shop's past."""

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

from orchestration.cli.app import app
from recomart.settings import load_settings

if TYPE_CHECKING:
    from streaming.simulator import Producer
    from streaming.stop_signals import Stop

EVENTS_PER_SECOND = 1 / 1.5
VISITORS, REPLAY, FAULTS = "Visitors", "Replay", "Faults, as shares of the events"


class Target(StrEnum):
    """Where the events go."""

    STDOUT = "stdout"
    REDIS = "redis"
    KAFKA = "kafka"


def _speed(text: str) -> float:
    """A number above 0; 0 and `max` are infinity."""
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
    """An ISO time; UTC when it names no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter(f"'{text}' is no time; write 2026-03-31T09:30:00Z") from exc
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _option(help: str, panel: str, *names: str, **more: object) -> object:
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)  # type: ignore[arg-type]  # typer's own keywords


@app.command()
def simulate(
    to: Annotated[
        Target, typer.Option(help="JSON lines, the shop's Redis Stream, or its Kafka topic.")
    ] = (Target.STDOUT),
    duration: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which it ends; never.")
    ] = None,
    events: Annotated[
        int | None, typer.Option(min=0, help="Events after which it ends; none.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With --start: equal seeds give equal bytes.")
    ] = None,
    rate: Annotated[
        float,
        _option(
            "Events per second, or max.",
            VISITORS,
            parser=_speed,
            metavar="N|max",
            show_default="one in 1.5 s",
        ),
    ] = EVENTS_PER_SECOND,
    start: Annotated[
        datetime | None,
        _option(
            "Time of the first event; events happen now.", VISITORS, parser=_instant, metavar="TIME"
        ),
    ] = None,
    replayed: Annotated[
        bool, _option("Tell past events. Shops without visitors do so anyway.", REPLAY, "--replay")
    ] = False,
    speed: Annotated[
        float,
        _option("60: an hour in a minute; or max.", REPLAY, parser=_speed, metavar="N|max"),
    ] = 1.0,
    shift_clock: Annotated[
        bool, _option("Past events happen now, as new ones.", REPLAY, "--shift-clock")
    ] = False,
    since: Annotated[
        datetime | None,
        _option("From then on.", REPLAY, parser=_instant, metavar="TIME"),
    ] = None,
    until: Annotated[
        datetime | None,
        _option("Before then.", REPLAY, parser=_instant, metavar="TIME"),
    ] = None,
    duplicates: Annotated[float, _option("Told twice.", FAULTS)] = 0.0,
    late: Annotated[float, _option("A minute to three days late.", FAULTS)] = 0.0,
    out_of_order: Annotated[float, _option("After some later ones.", FAULTS)] = 0.0,
    wrong_clocks: Annotated[float, _option("Dated ahead.", FAULTS)] = 0.0,
    malformed: Annotated[float, _option("A line that is no event beside it.", FAULTS)] = 0.0,
    truth: Annotated[Path | None, _option("A file for what was planted (JSON).", FAULTS)] = None,
) -> None:
    """Tell events as they happen: visitors of the demo shop, or any shop's past, until Ctrl-C."""
    from orchestration.simulation import Past, Simulation
    from streaming.simulator import KafkaProducer, LineProducer, RedisProducer, Shares

    settings = load_settings()
    simulation = Simulation(
        rate=None if rate == math.inf else rate,
        replays=replayed,
        past=Past(speed, since, until, shift_clock),
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
            # whoever read has seen enough; without this Python would complain when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
    if to is not Target.STDOUT:
        console.print(f"sent {sent}")
