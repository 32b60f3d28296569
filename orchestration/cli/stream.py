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

from orchestration.cli.app import STREAM, group
from recomart.settings import Settings, load_settings

if TYPE_CHECKING:
    import redis

ANSWER_SECONDS = 5.0
"""A Redis that takes longer than this to answer counts as frozen."""

stream = group(
    "stream",
    "Consume events, keep them, and update the real-time features (the speed layer).",
    STREAM,
    runs_alone=True,
)


class TransportOption(StrEnum):
    """The transport from which events are read."""

    pipe = "pipe"
    redis = "redis"
    kafka = "kafka"


@stream.callback(invoke_without_command=True)
def consume(
    context: typer.Context,
    transport: Annotated[
        TransportOption | None,
        typer.Option(
            help="Read events from stdin, the shop's Redis Stream or its Kafka topic (default: "
            "pipe when stdin is a pipe or a file, else redis)"
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Stop after N seconds (default: run until Ctrl-C)")
    ] = None,
    idle_exit: Annotated[
        float | None,
        typer.Option(
            min=0, help="Stop when no events are left for N seconds (default: run until Ctrl-C)"
        ),
    ] = None,
    claim_after: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Take over events that another Redis consumer has not acknowledged for N seconds "
            "(default: 30)",
        ),
    ] = None,
) -> None:
    """Consume events until Ctrl-C: write each to disk, then update the real-time features."""
    if context.invoked_subcommand is not None:
        return
    from streaming.speed_layer import ConsumerOptions
    from streaming.stream import stream as consume_stream

    chosen = transport or (TransportOption.pipe if _stdin_is_piped() else TransportOption.redis)
    counts = consume_stream(
        load_settings(),
        chosen.value,
        say=_say,
        options=ConsumerOptions(seconds=seconds, idle_exit=idle_exit),
        claim_seconds=claim_after,
    )
    typer.echo(counts.sentence())


@stream.command()
def demo(
    rate: Annotated[
        float,
        typer.Option(min=0.01, help="Send N events per second", show_default="one every 1.5 s"),
    ] = 1 / 1.5,
) -> None:
    """Run simulated visitors and the speed layer until Ctrl-C, and show their progress."""
    from orchestration.stream_demo import run_demo

    run_demo(load_settings(), rate)


@stream.command("status")
def stream_status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every second until Ctrl-C")
    ] = False,
) -> None:
    """Print the consumer lag, the consumers and their rates, the segments and the state."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from orchestration.output.stream import status_page
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
        bool, typer.Option("--rebuild", help="First write missing events to the real-time state")
    ] = False,
) -> None:
    """Compare the segments on disk with Redis; exit with 1 if they disagree."""
    from orchestration.output.stream import print_reconciliation
    from streaming import check

    settings = load_settings()
    with _redis(settings) as client:
        if rebuild:
            lacked, wrong = check.rebuild(client, settings)
            typer.echo(
                f"rebuilt from the segments: {lacked:,} missing events and {wrong:,} wrong product "
                "counters"
            )
        result = check.check(client, settings)
    print_reconciliation(result)
    if not result.agrees:
        raise typer.Exit(1)


@contextmanager
def _redis(settings: Settings) -> Iterator[redis.Redis]:
    """A connection to the shop's Redis; a Redis that stops answering raises RedisUnavailable."""
    from redis.exceptions import RedisError

    from feature_store.online.redis import connect, no_answer

    try:
        with connect(settings, deadline=ANSWER_SECONDS) as client:
            yield client
    except RedisError as exc:
        raise no_answer(settings, exc, ANSWER_SECONDS) from exc


def _say(line: str) -> None:
    typer.echo(f"stream: {line}", err=True)


def _stdin_is_piped() -> bool:
    """Whether stdin is a pipe or a file, and not /dev/null or a terminal."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
