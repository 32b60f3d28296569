"""Verbs of the speed layer."""

from __future__ import annotations

import os
import stat
import sys
from enum import StrEnum
from typing import Annotated

import typer

from orchestration.cli.app import group
from recomart.settings import load_settings

stream = group("stream", "The speed layer: keep events, and make real-time features.", alone=True)


class TransportOption(StrEnum):
    """Where the events come from."""

    pipe = "pipe"
    redis = "redis"
    kafka = "kafka"


@stream.callback(invoke_without_command=True)
def consume(
    context: typer.Context,
    transport: Annotated[
        TransportOption | None, typer.Option(help="Default: pipe when stdin is one, else redis.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after so many.")] = None,
    idle_exit: Annotated[
        float | None, typer.Option(min=0, help="End when nothing was left for so many seconds.")
    ] = None,
) -> None:
    """Consume the shop's events until Ctrl-C: each is kept durably, then counts in Redis."""
    if context.invoked_subcommand is not None:
        return
    from streaming.speed_layer import Pace
    from streaming.stream import stream as consume_stream

    chosen = transport or (TransportOption.pipe if _stdin_is_piped() else TransportOption.redis)
    pace = Pace(seconds=seconds, idle_exit=idle_exit)
    counts = consume_stream(load_settings(), chosen.value, say=_say, pace=pace)
    typer.echo(counts.sentence())


@stream.command()
def demo(
    rate: Annotated[float, typer.Option(min=0.01, help="Events per second.")] = 1 / 1.5,
) -> None:
    """Run simulated visitors and the speed layer together until Ctrl-C, and show how it goes."""
    from orchestration.stream_demo import run_demo

    run_demo(load_settings(), rate)


def _say(line: str) -> None:
    typer.echo(f"stream: {line}", err=True)


def _stdin_is_piped() -> bool:
    """Whether stdin is a pipe or a file; /dev/null and a terminal are neither."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
