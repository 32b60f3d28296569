"""Verbs that serve a page until Ctrl-C, and the one that stops what runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from orchestration.cli.app import app
from recomart.settings import MOCK_API_PORT, Settings, load_settings


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
    """Serve the shop's mock catalogue over HTTP until Ctrl-C."""
    from demo_shop.mock_api import Faults, serve

    serve(load_settings(), port=port, faults=Faults.parse(*(fault or ())))


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


@app.command()
def down() -> None:
    """Stop everything that RecoMart started for this lake."""
    from recomart import processes

    stopped = processes.stop_all(load_settings())
    names = ", ".join(
        f"{p.name} (pid {p.pid}{f', port {p.port}' if p.port else ''})" for p in stopped
    )
    typer.echo(f"stopped {names}" if stopped else "nothing was running")


def _become(settings: Settings, port: int, argv: list[str]) -> None:
    """Replace this process by a server, so that Ctrl-C and signals reach it alone."""
    from recomart import processes

    processes.require_port(port)
    os.environ.update(settings.environment())
    os.execv(argv[0], argv)
