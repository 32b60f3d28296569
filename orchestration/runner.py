"""Runs steps in one process, in dependency order, and reports what happened."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from ingestion.shop_file import load_shop
from orchestration.log import Run, start_run
from orchestration.steps import STEPS, BackgroundTask, Step
from orchestration.terminal import Terminal
from recomart.errors import RecoMartError, StepFailed
from recomart.lake import open_lake
from recomart.settings import Settings
from recomart.step import StepResult

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """The results and failures of a run's steps."""

    run: Run
    done: dict[str, StepResult] = field(default_factory=dict)
    failed: dict[str, RecoMartError] = field(default_factory=dict)
    not_run: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failed


def run_steps(settings: Settings, steps: Sequence[Step], terminal: Terminal) -> Outcome:
    """Run the steps one after the other. A step that needs a failed step does not run.

    Args:
        steps: sorted so that each step comes after all steps that it needs.

    Raises:
        WrongLake, ShopFileError: before any step runs.
    """
    load_shop(settings)
    open_lake(settings)
    outcome = Outcome(start_run(settings))
    terminal.header(settings, outcome.run)
    with ExitStack() as background:
        by_name = {step.name: step for step in steps}
        waiting = {step.name: step.background for step in steps if step.background}
        for step in steps:
            for name in [n for n, task in waiting.items() if _can_start(task, steps, outcome)]:
                _start(settings, by_name[name], outcome, terminal, background)
                del waiting[name]
            if step.name in outcome.failed:
                continue
            if any(need in outcome.failed or need in outcome.not_run for need in step.needs):
                outcome.not_run.append(step.name)
                continue
            _run(settings, step, outcome, terminal)
    terminal.not_run(outcome.not_run)
    return outcome


def _can_start(task: BackgroundTask, steps: Sequence[Step], outcome: Outcome) -> bool:
    """Whether each step that the task needs is done, or is not part of this run."""
    names = {step.name for step in steps}
    return all(need in outcome.done or need not in names for need in task.needs)


def _start(
    settings: Settings, step: Step, outcome: Outcome, terminal: Terminal, background: ExitStack
) -> None:
    """Start a step's background task. If the task cannot start, the step has failed."""
    assert step.background is not None
    with reporting_failure(settings, step.name, outcome, terminal):
        background.enter_context(step.background.run(settings))


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
    """Turn an exception inside the block into a failed step, so that other steps still run.

    The traceback goes to the log, and the terminal shows the error.
    """
    start = time.monotonic()
    try:
        yield
    except Exception as exc:
        seconds = time.monotonic() - start
        log.error("step %s failed after %.1f s", name, seconds, exc_info=exc)
        error = _as_recomart_error(name, exc)
        outcome.failed[name] = error
        terminal.failed(name, seconds, _failure_text(settings, name, error, outcome.run))


def _as_recomart_error(name: str, exc: Exception) -> RecoMartError:
    if isinstance(exc, RecoMartError):
        return exc
    return StepFailed(
        f"{name} failed with an error that RecoMart does not expect",
        found=f"{type(exc).__name__}: {exc}"[:500],
        help="see the log for the traceback; if your data is fine, please report this as a bug",
    )


def _failure_text(settings: Settings, name: str, error: RecoMartError, run: Run) -> str:
    shop = "" if settings.shop == "demo" else f"RECOMART_SHOP={settings.shop} "
    resume = f"{shop}make pipeline   (skips completed work)"
    if name in {step.name for step in STEPS}:
        resume += f", or {shop}recomart pipeline --from {name}"
    return f"{error.render()}\n  log: {run.log}\n  resume: {resume}"
