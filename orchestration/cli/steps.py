"""Verbs that run the pipeline, or one of its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.app import app
from recomart.settings import Settings, load_settings

if TYPE_CHECKING:
    from orchestration.steps import Work


def run(name: str, work: Work | None = None, settings: Settings | None = None) -> None:
    """Run one step of the pipeline as a verb of its own; `work` in place of what the step does."""
    from orchestration.runner import run_steps
    from orchestration.steps import by_name
    from orchestration.terminal import Terminal

    step = by_name(name)
    if work is not None:
        step = replace(step, run=work)
    if not run_steps(settings or load_settings(), [step], Terminal()).ok:
        raise typer.Exit(1)


@app.command()
def pipeline(
    start: Annotated[
        str | None, typer.Option("--from", help="Begin at this step; earlier ones are as they are.")
    ] = None,
) -> None:
    """Run every step, from raw data to recommendations for one user."""
    from orchestration.pipeline import run_pipeline

    if not run_pipeline(load_settings(), start):
        raise typer.Exit(1)


@app.command()
def generate(
    scale: Annotated[float | None, typer.Option(help="1 is 100,000 events.")] = None,
    seed: Annotated[int | None, typer.Option(help="Equal seeds give equal bytes.")] = None,
    end_date: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD; today.")] = None,
) -> None:
    """Make the demo shop's files anew in <lake>/source_data."""
    from demo_shop import generate as generate_shop

    settings = load_settings(scale=scale, seed=seed, end_date=end_date)
    run("generate", lambda s, progress: generate_shop(s, progress=progress), settings)


@app.command()
def ingest() -> None:
    """Land the shop's files and catalogue, and load them into raw tables."""
    run("ingest")


@app.command()
def transform() -> None:
    """Build and test the warehouse with dbt, by the rules that the shop file has now."""
    run("transform")


@app.command()
def publish(
    full: Annotated[bool, typer.Option("--full", help="Write every row to Redis anew.")] = False,
) -> None:
    """Publish tested features to Parquet, Feast and Redis."""
    from feature_store.publish.publisher import publish as publish_features

    run("publish", lambda s, progress: publish_features(s, progress=progress, full=full))


@app.command()
def train(
    features: Annotated[
        str | None,
        typer.Option(help="Hash of a published snapshot (see `recomart features history`)."),
    ] = None,
    as_known_then: Annotated[
        bool,
        typer.Option(
            "--as-known-then",
            help="Features as they were known at each label's time: without what came late, "
            "before it was corrected.",
        ),
    ] = False,
) -> None:
    """Fit and compare the models, track them in MLflow, and name a champion."""
    from training.train import train as train_models

    run(
        "train",
        lambda s, progress: train_models(
            s, progress=progress, features=features, as_known_then=as_known_then
        ).result(),
    )
