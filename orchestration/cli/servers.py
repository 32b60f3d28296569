"""Verbs that run a server until Ctrl-C, and the one that stops background processes."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from orchestration.cli.app import SERVERS, app
from recomart.settings import MOCK_API_PORT, Settings, load_settings


@app.command("mock-api", rich_help_panel=SERVERS)
def mock_api(
    port: Annotated[int, typer.Option(help="Listen on this port of 127.0.0.1")] = MOCK_API_PORT,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Answer with errors on purpose; may be repeated. Examples: 500:every=3 fails every "
            "third request, 429:first=2:seconds=3 limits the first two"
        ),
    ] = None,
) -> None:
    """Serve the shop's mock catalogue over HTTP until Ctrl-C."""
    from demo_shop.mock_api import Faults, serve

    serve(load_settings(), port=port, faults=Faults.parse(*(fault or ())))


@app.command(rich_help_panel=SERVERS)
def mlflow(
    port: Annotated[int, typer.Option(help="Listen on this port of 127.0.0.1")] = 5001,
) -> None:
    """Serve MLflow's page of runs and models until Ctrl-C."""
    settings = load_settings()
    address = ("--host", "127.0.0.1", "--port", str(port))
    store = ("--backend-store-uri", settings.mlflow_uri)
    _become(settings, port, [sys.executable, "-m", "mlflow", "server", *store, *address])


@app.command(rich_help_panel=SERVERS)
def ui(port: Annotated[int, typer.Option(help="Listen on this port of 127.0.0.1")] = 3000) -> None:
    """Serve the pipeline as a graph on Dagster's page until Ctrl-C (needs the extra `dagster`)."""
    from orchestration.dagster_home import prepare

    settings = load_settings()
    os.environ["DAGSTER_HOME"] = str(prepare(settings))
    module = ("-m", "orchestration.dagster_assets")
    argv = [sys.executable, "-m", "dagster", "dev", *module, "-h", "127.0.0.1", "-p", str(port)]
    _become(settings, port, argv)


@app.command(rich_help_panel=SERVERS)
def down() -> None:
    """Stop everything that RecoMart started for this lake."""
    from recomart import processes

    stopped = processes.stop_all(load_settings())
    names = ", ".join(
        f"{p.name} (pid {p.pid}{f', port {p.port}' if p.port else ''})" for p in stopped
    )
    typer.echo(f"stopped {names}" if stopped else "nothing was running")


def _become(settings: Settings, port: int, argv: list[str]) -> None:
    """Replace this process with a server, so that Ctrl-C and signals reach only the server."""
    from recomart import processes

    processes.require_port(port)
    os.environ.update(settings.environment())
    os.execv(argv[0], argv)
