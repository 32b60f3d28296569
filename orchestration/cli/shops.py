"""Verbs for bringing your own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.app import DATA, group
from recomart.project import find_project
from recomart.settings import load_settings

shop = group("shop", "Write or check a shop file for your own data.", DATA)


@shop.command("init")
def shop_init(
    folder: Annotated[Path, typer.Argument(help="Read the shop's files in this folder")],
    name: Annotated[
        str | None, typer.Option(help="Name the shop (default: the name of the folder)")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the shop file here, from the project folder (default: shops/<name>.yml)"
        ),
    ] = None,
) -> None:
    """Read a folder of files, guess what each column means, and write a shop file."""
    import onboarding

    guess = onboarding.init(folder, name)
    # a relative path means the same file here and in RECOMART_SHOP
    place = out.expanduser() if out else Path("shops", f"{guess.name}.yml")
    path = find_project() / place
    guess.write(path)
    typer.echo(path)
    for note in guess.notes:
        typer.echo(f"  {note}")


@shop.command("check")
def shop_check() -> None:
    """Check the shop file and samples of its data, and list all problems at once."""
    import onboarding

    problems = onboarding.check(load_settings())
    for problem in problems:
        typer.echo(problem.render())
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)
    if not problems:
        typer.echo("No problems found.")
