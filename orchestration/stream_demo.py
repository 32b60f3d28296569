"""`make stream`: simulated visitors and the speed layer alone, with one line of how it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from demo_shop.source_data import is_demo_shop
from orchestration.background_stream import require_running, running
from recomart.errors import ConfigurationError
from recomart.redis import connect
from recomart.settings import Settings
from streaming.counts import reports
from streaming.stop_signals import stop_signals

Say = Callable[[str], None]
LOOK_SECONDS = 0.5
PLAIN_SECONDS = 5.0
"""Without a terminal, a line this often."""


def run_demo(settings: Settings, rate: float) -> None:
    """Run both until Ctrl-C or SIGTERM; then end both, and what was told is kept in segments.

    Raises:
        ConfigurationError: the shop has no visitors.
        StreamFailed: one of them ended before.
    """
    if not is_demo_shop(settings):
        raise ConfigurationError(
            f"shop '{settings.shop_name}' has no users that can be simulated",
            help="tell its past again: recomart simulate --replay --speed 60 --shift-clock "
            "| recomart stream",
        )
    console = Console(highlight=False)
    with (
        stop_signals() as stop,
        running(settings, seconds=None, rate=rate),
        _line(console) as say,
    ):
        client = connect(settings)
        while not stop.is_set():
            require_running(settings)
            told = [report for report in reports(client, settings) if not report.ended]
            for report in told:
                waiting = f" · waits: {report.waiting_for}" if report.waiting_for else ""
                say(
                    f"{report.deliveries:,} received · {report.rate:,.1f}/s · {report.new:,} new, "
                    f"{report.duplicates:,} duplicates, {report.late:,} late, "
                    f"{report.dead_letters:,} dead letters{waiting}"
                )
            stop.wait(LOOK_SECONDS)
    console.print("stopped; 'recomart ingest' loads what was kept")


@contextmanager
def _line(console: Console) -> Iterator[Say]:
    """One line that is written over on a terminal, and elsewhere a new one now and then."""
    if console.is_terminal:
        with console.status("the stream starts · Ctrl-C ends it") as status:
            yield lambda text: status.update(escape(text))
        return
    console.print("the stream starts · Ctrl-C ends it")
    next_at = 0.0

    def say(text: str) -> None:
        nonlocal next_at
        if time.monotonic() >= next_at:
            console.print(text, markup=False, soft_wrap=True)
            next_at = time.monotonic() + PLAIN_SECONDS

    yield say
