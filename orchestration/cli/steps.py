"""Verbs that run the pipeline, or one of its steps. The steps' verbs are made from STEPS."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from orchestration.cli.app import PIPELINE, app
from orchestration.steps import STEPS, Step, Work, by_name
from recomart.settings import Settings, load_settings


def run(name: str, work: Work | None = None, settings: Settings | None = None) -> None:
    """Run one step of the pipeline as a verb of its own.

    Args:
        work: what to run in place of the step's own work.
        settings: default: those of the environment.
    """
    from orchestration.runner import run_steps
    from orchestration.terminal import Terminal

    step = by_name(name)
    if work is not None:
        step = replace(step, run=work)
    if not run_steps(settings or load_settings(), [step], Terminal()).ok:
        raise typer.Exit(1)


@app.command(rich_help_panel=PIPELINE)
def pipeline(
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="Begin at this step and keep the results of the steps before it"
        ),
    ] = None,
) -> None:
    """Run every step, from raw data to recommendations for one user."""
    from orchestration.pipeline import run_pipeline

    if not run_pipeline(load_settings(), start):
        raise typer.Exit(1)


def verb_of(step: Step) -> Callable[..., None]:
    """The command of a step. Its options are the step's settings and the work's own keywords."""
    work = step.verb or step.run

    def verb(**given: Any) -> None:
        changed = {name: given.pop(name) for name in step.settings}
        run(step.name, partial(work, **given), load_settings(**changed))

    keywords = inspect.signature(work, eval_str=True).parameters.values()
    parameters = [_setting_option(name) for name in step.settings]
    parameters += [keyword for keyword in keywords if keyword.kind is Parameter.KEYWORD_ONLY]
    verb.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    verb.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    verb.__doc__ = step.summary
    return verb


def _setting_option(name: str) -> Parameter:
    """A setting as an option: the environment decides when it is not given."""
    field = Settings.model_fields[name]
    kind: Any = field.annotation
    option = typer.Option(None, help=field.description)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=option, annotation=kind | None)


for _step in STEPS:
    if not _step.verb_elsewhere:
        app.command(_step.name, rich_help_panel=PIPELINE)(verb_of(_step))
