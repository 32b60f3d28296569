"""Verbs of the speed layer."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
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
    claim_after: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Redis: take over what another consumer left unacknowledged for so many seconds; 30.",
        ),
    ] = None,
) -> None:
    """Consume the shop's events until Ctrl-C: each is kept durably, then counts in Redis."""
    if context.invoked_subcommand is not None:
        return
    from streaming.speed_layer import Pace
    from streaming.stream import stream as consume_stream

    chosen = transport or (TransportOption.pipe if _stdin_is_piped() else TransportOption.redis)
    pace = Pace(seconds=seconds, idle_exit=idle_exit)
    counts = consume_stream(
        load_settings(), chosen.value, say=_say, pace=pace, claim_seconds=claim_after
    )
    typer.echo(counts.sentence())


@stream.command()
def demo(
    rate: Annotated[float, typer.Option(min=0.01, help="Events per second.")] = 1 / 1.5,
) -> None:
    """Run simulated visitors and the speed layer together until Ctrl-C, and show how it goes."""
    from orchestration.stream_demo import run_demo

    run_demo(load_settings(), rate)


@stream.command("status")
def stream_status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Again every second, until Ctrl-C.")
    ] = False,
) -> None:
    """Print what waits, who consumes and how fast, what is kept, and what the state has."""
    from rich.console import Console
    from rich.live import Live

    from orchestration.show_stream import status_page
    from recomart.redis import connect
    from streaming.status import status

    settings = load_settings()
    client = connect(settings)
    console = Console(highlight=False)
    if not watch:
        console.print(status_page(status(client, settings)))
        return
    with Live(console=console, auto_refresh=False) as live, suppress(KeyboardInterrupt):
        while True:
            live.update(status_page(status(client, settings)), refresh=True)
            time.sleep(1.0)


@stream.command("check")
def stream_check(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First write what the real-time state lacks.")
    ] = False,
) -> None:
    """Read segments and Redis back, and say whether they agree; exit code 1 when not."""
    from orchestration.show_stream import show_account
    from recomart.redis import connect
    from streaming import check

    settings = load_settings()
    client = connect(settings)
    if rebuild:
        added = check.rebuild(client, settings)
        typer.echo(f"written anew from the segments: {added.new:,} events that the state lacked")
    account = check.check(client, settings)
    show_account(account)
    if not account.agrees:
        raise typer.Exit(1)


def _say(line: str) -> None:
    typer.echo(f"stream: {line}", err=True)


def _stdin_is_piped() -> bool:
    """Whether stdin is a pipe or a file; /dev/null and a terminal are neither."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
