"""The app that every module of verbs adds to, and its entry point."""

from __future__ import annotations

import os
import signal
import sys

import typer

from recomart.errors import ConfigurationError, RecoMartError
from recomart.settings import TELEMETRY_OFF

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Raw shop data to tested features, a trained model and recommendations. "
    "Settings come from the environment: RECOMART_SHOP, RECOMART_LAKE, RECOMART_DATA, "
    "RECOMART_REDIS_URL, RECOMART_MEMORY_LIMIT.",
)


def group(name: str, help: str, *, alone: bool = False) -> typer.Typer:
    """A verb with verbs of its own; `alone`: it does something without one of them too."""
    made = typer.Typer(no_args_is_help=not alone, help=help)
    app.add_typer(made, name=name)
    return made


def main() -> None:
    """Run the command line. Exit codes: 1 failed, 2 wrong call or configuration, 130, 143 stopped."""
    # SIGTERM ends a verb as Ctrl-C does: what it has started is ended too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    os.environ.update({key: os.environ.get(key, value) for key, value in TELEMETRY_OFF.items()})
    try:
        app()
    except RecoMartError as exc:
        typer.echo(exc.render(), err=True)
        sys.exit(2 if isinstance(exc, ConfigurationError) else 1)
