"""Verbs about models: what they are worth, and which one serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestration.cli.app import MODELS, app, group
from recomart.settings import load_settings

if TYPE_CHECKING:
    from training.registry import ModelVersion

champion = group(
    "champion",
    "List the registered models, or choose the one that serves.",
    MODELS,
    runs_alone=True,
)

Force = Annotated[
    bool,
    typer.Option("--force", help="Also when the features that the model learned from are gone"),
]


@app.command(rich_help_panel=MODELS)
def evaluate(
    protocol: Annotated[
        str, typer.Option(help="Hold data out by 'time', 'last_out' or 'random'")
    ] = "time",
    relevant: Annotated[
        Literal["liked", "any"],
        typer.Option(help="Count what users liked, or any product with a label"),
    ] = "liked",
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the evaluation to this file as well")
    ] = None,
) -> None:
    """Compare every kind of model with simple rules on held-out data; nothing else changes."""
    from orchestration.log import start_run
    from orchestration.output.evaluation import print_evaluation
    from orchestration.terminal import Terminal
    from recomart.files import replace_text
    from recomart.lake import open_lake
    from training.protocols import PROTOCOLS
    from training.shop_evaluation import evaluate_shop

    settings = load_settings()
    open_lake(settings)
    PROTOCOLS.get(protocol)
    run = start_run(settings)
    terminal = Terminal()
    terminal.header(settings, run)
    with terminal.running("evaluate") as progress:
        found, name = evaluate_shop(
            settings, protocol=protocol, relevant=relevant, progress=progress
        )
    if json is not None:
        replace_text(json, found.model_dump_json(indent=1) + "\n")
    print_evaluation(found, settings.evaluation / f"{name}.json")


@champion.callback(invoke_without_command=True)
def list_models(
    context: typer.Context,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="List every version, not only the newest training and past champions"
        ),
    ] = False,
) -> None:
    """List registered models: kind, snapshot, protocol, validation nDCG@10 and lift."""
    from orchestration.output.evaluation import print_versions
    from training import registry

    if context.invoked_subcommand is None:
        settings = load_settings()
        versions = registry.model_versions(settings)
        print_versions(versions, registry.earlier_champions(settings), every=every)


@champion.command("promote")
def promote(
    version: Annotated[str, typer.Argument(help="The number of the version, as listed")],
    force: Force = False,
) -> None:
    """Let a registered version serve, after its files and its snapshot are checked."""
    from training.promotion import promote as promote_version

    typer.echo(f"{_named(promote_version(load_settings(), version, force=force))} serves now")


@champion.command("rollback")
def rollback(force: Force = False) -> None:
    """Let the version serve that was champion before the present one."""
    from training.promotion import rollback as roll_back

    before, now = roll_back(load_settings(), force=force)
    typer.echo(f"{_named(now)} serves now, in place of {_named(before)}")


def _named(version: ModelVersion) -> str:
    from training.registry import KIND

    return f"{version.tags[KIND]} v{version.version}"
