"""Verbs for the user's own project folder: create one, and run dbt by hand in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.app import DATA, PIPELINE, app
from recomart.settings import load_settings


@app.command(rich_help_panel=PIPELINE)
def new(
    folder: Annotated[Path, typer.Argument(help="Create this folder")],
    shop: Annotated[
        str,
        typer.Option(
            help="Start with this example shop (default: demo, which generates its own data)"
        ),
    ] = "demo",
    files: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Start with your own data: draft the shop file from this folder of files"
        ),
    ] = None,
) -> None:
    """Create a project folder with a shop file, settings and a place for your dbt models."""
    import onboarding
    from onboarding import new_project

    if files is None:
        made = new_project.from_example(folder, shop)
    else:
        made = new_project.from_draft(folder, onboarding.init(files))
    typer.echo(f"created {made.folder} with the shop file shops/{made.shop}.yml")
    for note in made.notes:
        typer.echo(f"  {note}")
    typer.echo(f"next: cd {folder} && recomart {'pipeline' if files is None else 'shop check'}")


@app.command(
    rich_help_panel=DATA,
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def dbt(
    arguments: Annotated[
        list[str],
        typer.Argument(help="Pass these arguments to dbt, such as: build --select ftr_users"),
    ],
) -> None:
    """Run dbt by hand on this shop's warehouse, including your own models."""
    from orchestration.dbt_folder import project_folder, target_path
    from recomart.project import DBT_PROJECT

    settings = load_settings()
    folders = {
        "DBT_PROJECT_DIR": str(project_folder(settings)),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_TARGET_PATH": str(target_path(settings)),
        "DBT_LOG_PATH": str(settings.logs),
    }
    os.environ.update(settings.environment() | folders)
    command = "from dbt.cli.main import cli; cli()"
    os.execv(sys.executable, [sys.executable, "-c", command, *arguments])
