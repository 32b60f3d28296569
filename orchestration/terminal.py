"""The output of a run: one line per step, animated on a terminal and plain elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner

from orchestration.log import Run
from recomart.settings import Settings
from recomart.step import Progress, StepResult

HEARTBEAT_SECONDS = 30.0
MARKS = {"green": "[green]✔[/]", "amber": "[yellow]![/]", "red": "[red]![/]"}
"""What a step that ran to its end begins with."""


class Terminal:
    """Prints a run.

    On a terminal, the running step has a line that shows its progress. Elsewhere each step prints
    a line when it starts, every 30 s while it runs, and when it ends. rich respects NO_COLOR.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._state = ("", 0, 0)

    def header(self, settings: Settings, run: Run) -> None:
        self.console.print(
            f"[bold]RecoMart[/] · shop {escape(settings.shop_name)} · run {run.id} · log {run.log}",
            soft_wrap=True,
        )

    @contextmanager
    def running(self, name: str) -> Iterator[Progress]:
        """Show that a step is running. Yields the Progress to which the step reports."""
        self._state = ("", 0, 0)
        live = self._live(name) if self.console.is_terminal else self._heartbeat(name)
        with live:
            yield self._report

    def done(self, name: str, result: StepResult, seconds: float) -> None:
        amount = f"{result.count:,} {result.unit}"
        detail = f"   {escape(result.detail)}" if result.detail else ""
        line = f" {MARKS[result.colour]} {name:<10} {amount:>16} {seconds:6.1f}s{detail}"
        self.console.print(line, soft_wrap=True)

    def failed(self, name: str, seconds: float, text: str) -> None:
        self.console.print(f" [red]✘[/] {name:<10} {'failed':>16} {seconds:6.1f}s")
        self.console.print(escape(text), soft_wrap=True)

    def not_run(self, names: list[str]) -> None:
        if names:
            self.console.print(f" [dim]–[/] not run: {', '.join(names)}")

    def say(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True)

    def _report(self, what: str, done: int, total: int) -> None:
        self._state = (what, done, total)

    def _progress_text(self) -> str:
        what, done, total = self._state
        if not what:
            return ""
        return f"{what} {done:,}/{total:,}" if total else f"{what} {done:,}" if done else what

    @contextmanager
    def _live(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        spinner = Spinner("dots")

        def refreshed() -> Spinner:
            seconds = time.monotonic() - start
            spinner.update(text=f"{name:<10} {seconds:6.1f}s  {escape(self._progress_text())}")
            return spinner

        with Live(
            console=self.console, get_renderable=refreshed, refresh_per_second=8, transient=True
        ):
            yield

    @contextmanager
    def _heartbeat(self, name: str) -> Iterator[None]:
        self.console.print(f" … {name}")
        start, ended = time.monotonic(), threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                seconds = time.monotonic() - start
                text = f" … {name:<10} {seconds:6.0f}s  {self._progress_text()}"
                self.console.print(text, markup=False, soft_wrap=True)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
