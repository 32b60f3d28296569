"""Verbs of the speed layer."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.app import group
from recomart.settings import Settings, load_settings

if TYPE_CHECKING:
    import redis

ANSWER_SECONDS = 5.0
"""For each answer of Redis, before it counts as frozen."""

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
    from rich.text import Text

    from orchestration.show_stream import status_page
    from recomart.errors import RedisUnavailable
    from streaming.status import status

    settings = load_settings()
    console = Console(highlight=False)
    with _redis(settings) as client:
        page = status_page(status(client, settings))
    if not watch:
        console.print(page)
        return
    with Live(page, console=console, auto_refresh=False) as live, suppress(KeyboardInterrupt):
        while True:
            live.refresh()
            time.sleep(1.0)
            try:
                with _redis(settings) as client:
                    live.update(status_page(status(client, settings)))
            except RedisUnavailable as exc:
                live.update(Text(exc.render()))


@stream.command("check")
def stream_check(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First write what the real-time state lacks.")
    ] = False,
) -> None:
    """Read segments and Redis back, and say whether they agree; exit code 1 when not."""
    from orchestration.show_stream import show_account
    from streaming import check

    settings = load_settings()
    with _redis(settings) as client:
        if rebuild:
            lacked, wrong = check.rebuild(client, settings)
            typer.echo(
                f"written anew from the segments: {lacked:,} events that the state lacked, and "
                f"{wrong:,} counters of products that were wrong"
            )
        account = check.check(client, settings)
    show_account(account)
    if not account.agrees:
        raise typer.Exit(1)


@contextmanager
def _redis(settings: Settings) -> Iterator[redis.Redis]:
    """The shop's Redis, for one look; one that is frozen or goes away is an error that says so."""
    from redis.exceptions import RedisError

    from recomart.redis import connect, no_answer

    try:
        with connect(settings, deadline=ANSWER_SECONDS) as client:
            yield client
    except RedisError as exc:
        raise no_answer(settings, exc, ANSWER_SECONDS) from exc


def _say(line: str) -> None:
    typer.echo(f"stream: {line}", err=True)


def _stdin_is_piped() -> bool:
    """Whether stdin is a pipe or a file; /dev/null and a terminal are neither."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
