"""The command line: `recomart <verb>`, also `python -m orchestration <verb>`.

Each step of the pipeline is a verb. Rooms are imported inside the verbs: a lookup must not wait
for libraries that it does not use.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from recomart.errors import ConfigurationError, RecoMartError
from recomart.settings import MOCK_API_PORT, TELEMETRY_OFF, Settings, load_settings

if TYPE_CHECKING:
    from orchestration.steps import Work

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Raw shop data to tested features, a trained model and recommendations. "
    "Settings come from the environment: RECOMART_SHOP, RECOMART_LAKE, RECOMART_DATA, "
    "RECOMART_REDIS_URL, RECOMART_MEMORY_LIMIT.",
)
features = typer.Typer(no_args_is_help=True, help="What the feature store serves.")
app.add_typer(features, name="features")

Id = Annotated[str, typer.Argument(help="The id, as in the shop's data.")]


def main() -> None:
    """Run the command line. Exit codes: 1 failed, 2 wrong call or configuration, 130 stopped."""
    os.environ.update({key: os.environ.get(key, value) for key, value in TELEMETRY_OFF.items()})
    try:
        app()
    except RecoMartError as exc:
        typer.echo(exc.render(), err=True)
        sys.exit(2 if isinstance(exc, ConfigurationError) else 1)


def _run(name: str, work: Work | None = None, settings: Settings | None = None) -> None:
    """Run one step of the pipeline as a verb of its own; `work` in place of what the step does."""
    from dataclasses import replace

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
    from ingestion.demo import generate as generate_shop

    settings = load_settings(scale=scale, seed=seed, end_date=end_date)
    _run("generate", lambda s, progress: generate_shop(s, progress=progress), settings)


@app.command("mock-api")
def mock_api(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = MOCK_API_PORT,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="For practice, as often as you like: 500:every=3, 429:first=2:seconds=3."
        ),
    ] = None,
) -> None:
    """Serve the demo shop's catalogue over HTTP until Ctrl-C."""
    from ingestion.mock_api import Faults, serve

    serve(load_settings(), port=port, faults=Faults.parse(*(fault or ())))


@app.command()
def ingest() -> None:
    """Land the shop's files and catalogue, and load them into raw tables."""
    _run("ingest")


@app.command()
def transform() -> None:
    """Build and test the warehouse with dbt."""
    _run("transform")


@app.command()
def publish(
    full: Annotated[bool, typer.Option("--full", help="Write every row to Redis anew.")] = False,
) -> None:
    """Publish tested features to Parquet, Feast and Redis."""
    from feature_repo.publish import publish as publish_features

    _run("publish", lambda s, progress: publish_features(s, progress=progress, full=full))


@app.command()
def train() -> None:
    """Fit and compare the models, track them in MLflow, and name a champion."""
    from training.train import train as train_models

    _run("train", lambda s, progress: train_models(s, progress=progress).result())


@app.command()
def recommend(
    user: Annotated[str, typer.Option("--user", help="The user's id.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many products.")] = 10,
) -> None:
    """Recommend products to a user, with reasons."""
    from orchestration.show import show_recommendations
    from training.recommend import recommend as recommend_to

    show_recommendations(recommend_to(load_settings(), user, k))


@features.command("user")
def features_of_user(user_id: Id) -> None:
    """Print what Redis serves for a user: value, status and age of each feature."""
    from orchestration.show import show_features
    from recomart.online import OnlineFeatures

    show_features(OnlineFeatures(load_settings()).user(user_id), f"user {user_id}")


@features.command("product")
def features_of_product(product_id: Id) -> None:
    """Print what Redis serves for a product: value, status and age of each feature."""
    from orchestration.show import show_features
    from recomart.online import OnlineFeatures

    show_features(OnlineFeatures(load_settings()).product(product_id), f"product {product_id}")


@app.command()
def docs() -> None:
    """Write dbt's documentation and lineage graph as one HTML file."""
    from orchestration.transform import docs as write_docs

    typer.echo(write_docs(load_settings()))


@app.command()
def down() -> None:
    """Stop everything that RecoMart started for this lake."""
    from recomart import processes

    stopped = processes.stop_all(load_settings())
    names = ", ".join(f"{p.name} (pid {p.pid}, port {p.port})" for p in stopped)
    typer.echo(f"stopped {names}" if stopped else "nothing was running")


@app.command()
def mlflow(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5001) -> None:
    """Show the runs and models in MLflow's page until Ctrl-C."""
    settings = load_settings()
    address = ("--host", "127.0.0.1", "--port", str(port))
    store = ("--backend-store-uri", settings.mlflow_uri)
    _become(settings, port, [sys.executable, "-m", "mlflow", "server", *store, *address])


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Show the pipeline as a graph on Dagster's page until Ctrl-C (needs the extra `dagster`)."""
    from orchestration.dagster_home import prepare

    settings = load_settings()
    os.environ["DAGSTER_HOME"] = str(prepare(settings))
    module = ("-m", "orchestration.dagster_assets")
    argv = [sys.executable, "-m", "dagster", "dev", *module, "-h", "127.0.0.1", "-p", str(port)]
    _become(settings, port, argv)


def _become(settings: Settings, port: int, argv: list[str]) -> None:
    """Replace this process by a server, so that Ctrl-C and signals reach it alone."""
    from recomart import processes

    processes.require_port(port)
    os.environ.update(settings.environment())
    os.execv(argv[0], argv)
