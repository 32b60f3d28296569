"""The app that every module of verbs adds to, and its entry point."""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from recomart.errors import ConfigurationError, RecoMartError, did_you_mean
from recomart.settings import TELEMETRY_OFF

PIPELINE, DATA, FEATURES, MODELS, STREAM, SERVERS = PANELS = (
    "Pipeline",
    "Data",
    "Features",
    "Models",
    "Stream",
    "Servers",
)
"""The groups of commands in `recomart --help`, in their order."""


class Commands(TyperGroup):
    """The top-level commands: sorted by panel, with an error that names them all."""

    def list_commands(self, ctx: Any) -> list[str]:
        def panel(name: str) -> int:
            # typer wraps a panel that was not given
            given = getattr(self.commands[name], "rich_help_panel", None)
            return PANELS.index(given) if given in PANELS else len(PANELS)

        return sorted(super().list_commands(ctx), key=panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name in self.commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from orchestration.steps import STEPS

        steps = [step.name for step in STEPS]
        others = [command for command in self.list_commands(ctx) if command not in steps]
        raise ConfigurationError(
            f'there is no command "{name}"',
            code="unknown-command",
            found=f"the steps are {', '.join(steps)}; other commands are {', '.join(others)}",
            help=f"{did_you_mean(name, self.commands)}See 'recomart --help'",
        )


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn raw shop data into tested features, a trained model and recommendations. "
    "Settings come from environment variables, such as RECOMART_SHOP, RECOMART_LAKE, "
    "RECOMART_DATA, RECOMART_REDIS_URL and RECOMART_MEMORY_LIMIT.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recomart {version('recomart')}")
        raise typer.Exit


@app.callback(help=app.info.help)
def _recomart(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the installed version and exit",
        ),
    ] = False,
) -> None:
    """The options of `recomart` itself."""


def group(name: str, help: str, panel: str, *, runs_alone: bool = False) -> typer.Typer:
    """Add a verb that has verbs of its own.

    Args:
        panel: one of PANELS.
        runs_alone: the verb also does something when it is called without one of its own verbs.
    """
    added = typer.Typer(no_args_is_help=not runs_alone, help=help)
    app.add_typer(added, name=name, rich_help_panel=panel)
    return added


def main() -> None:
    """Run the command line.

    Exit codes: 1 for a failure, 2 for a wrong call or configuration, 130 or 143 when interrupted.
    """
    # SIGTERM ends a verb the way Ctrl-C does, so whatever the verb has started is stopped too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    os.environ.update({key: os.environ.get(key, value) for key, value in TELEMETRY_OFF.items()})
    try:
        app(prog_name="recomart")
    except RecoMartError as exc:
        typer.echo(exc.render(), err=True)
        sys.exit(2 if isinstance(exc, ConfigurationError) else 1)
