"""`make stream`: runs simulated visitors and the speed layer, and shows their progress in one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from demo_shop.source_data import is_demo_shop
from feature_store.online.redis import connect
from orchestration.background_stream import require_running, running
from recomart.errors import ConfigurationError
from recomart.settings import Settings
from streaming.counts import reports
from streaming.stop_signals import stop_signals

Say = Callable[[str], None]
POLL_SECONDS = 0.5
LINE_SECONDS = 5.0
"""How often a line is printed without a terminal."""


def run_demo(settings: Settings, rate: float) -> None:
    """Run both until Ctrl-C or SIGTERM. The segments keep all events that were sent.

    Args:
        rate: events per second.

    Raises:
        ConfigurationError: the shop has no simulated visitors.
        StreamFailed: the simulator or the speed layer stopped by itself.
    """
    if not is_demo_shop(settings):
        raise ConfigurationError(
            f"shop '{settings.shop_name}' has no simulated visitors",
            help="replay its past events instead: recomart simulate --replay --speed 60 "
            "--shift-clock | recomart stream",
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
            for report in reports(client, settings):
                if report.ended:
                    continue
                waiting = f" · waiting: {report.waiting_for}" if report.waiting_for else ""
                say(
                    f"{report.deliveries:,} received · {report.rate:,.1f}/s · {report.new:,} new, "
                    f"{report.duplicates:,} duplicates, {report.late:,} late, "
                    f"{report.dead_letters:,} dead letters{waiting}"
                )
            stop.wait(POLL_SECONDS)
    console.print("stopped; run 'recomart ingest' to load the events")


@contextmanager
def _line(console: Console) -> Iterator[Say]:
    """A line that is rewritten on a terminal; elsewhere, a new line every few seconds."""
    if console.is_terminal:
        with console.status("starting the stream · press Ctrl-C to stop") as status:
            yield lambda text: status.update(escape(text))
        return
    console.print("starting the stream · press Ctrl-C to stop")
    next_at = 0.0

    def say(text: str) -> None:
        nonlocal next_at
        if time.monotonic() >= next_at:
            console.print(text, markup=False, soft_wrap=True)
            next_at = time.monotonic() + LINE_SECONDS

    yield say
