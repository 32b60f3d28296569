"""Runs steps in one process, in the order of what they need, and says what happened."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from orchestration.steps import STEPS, BackgroundTask, Step
from orchestration.terminal import Terminal
from recomart.errors import RecoMartError, StepFailed
from recomart.lake import open_lake
from recomart.log import Run, start_run
from recomart.settings import Settings
from recomart.shop.file import load_shop
from recomart.step import StepResult

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What became of each step of a run."""

    run: Run
    done: dict[str, StepResult] = field(default_factory=dict)
    failed: dict[str, RecoMartError] = field(default_factory=dict)
    not_run: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failed


def run_steps(settings: Settings, steps: Sequence[Step], terminal: Terminal) -> Outcome:
    """Run the steps one after the other; what needs a failed one is not run.

    Args:
        steps: in an order in which each comes after all that it needs.

    Raises:
        WrongLake, ShopFileError: before any step runs.
    """
    load_shop(settings)
    open_lake(settings)
    outcome = Outcome(start_run(settings))
    terminal.header(settings, outcome.run)
    with ExitStack() as beside:
        by_name = {step.name: step for step in steps}
        waiting = {step.name: step.background for step in steps if step.background}
        for step in steps:
            for name in [n for n, b in waiting.items() if _is_due(b, steps, outcome)]:
                _begin(settings, by_name[name], outcome, terminal, beside)
                del waiting[name]
            if step.name in outcome.failed:
                continue
            if any(need in outcome.failed or need in outcome.not_run for need in step.needs):
                outcome.not_run.append(step.name)
                continue
            _run(settings, step, outcome, terminal)
    terminal.not_run(outcome.not_run)
    return outcome


def _is_due(beside: BackgroundTask, steps: Sequence[Step], outcome: Outcome) -> bool:
    """Whether all that it needs is done in this run, or is not part of it."""
    asked = {one.name for one in steps}
    return all(need in outcome.done or need not in asked for need in beside.needs)


def _begin(
    settings: Settings, step: Step, outcome: Outcome, terminal: Terminal, beside: ExitStack
) -> None:
    """Start what runs beside the others. When it cannot be started, its step has failed."""
    assert step.background is not None
    with reporting_failure(settings, step.name, outcome, terminal):
        beside.enter_context(step.background.run(settings))


def _run(settings: Settings, step: Step, outcome: Outcome, terminal: Terminal) -> None:
    log.info("step %s starts", step.name)
    start = time.monotonic()
    with reporting_failure(settings, step.name, outcome, terminal):
        with terminal.running(step.name) as progress:
            result = step.run(settings, progress)
        seconds = time.monotonic() - start
        log.info(
            "step %s: %d %s in %.1f s. %s",
            *(step.name, result.count, result.unit, seconds, result.detail),
        )
        outcome.done[step.name] = result
        terminal.done(step.name, result, seconds)


@contextmanager
def reporting_failure(
    settings: Settings, name: str, outcome: Outcome, terminal: Terminal
) -> Iterator[None]:
    """The boundary of a run: log whatever is raised inside with its traceback, print it as an
    error, and count `name` among the failed, so that only what depends on it stops."""
    start = time.monotonic()
    try:
        yield
    except Exception as exc:
        seconds = time.monotonic() - start
        log.error("step %s failed after %.1f s", name, seconds, exc_info=exc)
        error = _as_ours(name, exc)
        outcome.failed[name] = error
        terminal.failed(name, seconds, _told(settings, name, error, outcome.run))


def _as_ours(name: str, exc: Exception) -> RecoMartError:
    if isinstance(exc, RecoMartError):
        return exc
    return StepFailed(
        f"{name} stopped on something that RecoMart does not know",
        found=f"{type(exc).__name__}: {exc}"[:500],
        help="the log has the traceback; if the data is fine, this is a bug worth reporting",
    )


def _told(settings: Settings, name: str, error: RecoMartError, run: Run) -> str:
    shop = "" if settings.shop == "demo" else f"RECOMART_SHOP={settings.shop} "
    resume = f"{shop}make pipeline   (completed work is skipped)"
    if name in {step.name for step in STEPS}:
        resume += f", or {shop}recomart pipeline --from {name}"
    return f"{error.render()}\n  log: {run.log}\n  resume: {resume}"
