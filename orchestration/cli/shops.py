"""Verbs for bringing a shop of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.app import group
from recomart.project import find_project
from recomart.settings import load_settings

shop = group("shop", "Bring your own data: guess a shop file, and check one.")


@shop.command("init")
def shop_init(
    folder: Annotated[Path, typer.Argument(help="A folder with the shop's files.")],
    name: Annotated[str | None, typer.Option(help="The shop's name; the folder's.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; shops/<name>.yml.")] = None,
) -> None:
    """Look at a folder of files, and write a shop file that says what each column seems to be."""
    import onboarding

    guess = onboarding.init(folder, name)
    path = out or find_project() / "shops" / f"{guess.name}.yml"
    guess.write(path)
    typer.echo(path)
    for note in guess.notes:
        typer.echo(f"  {note}")


@shop.command("check")
def shop_check() -> None:
    """Look at the shop file and at samples of its data, and tell all problems at once."""
    import onboarding

    problems = onboarding.check(load_settings())
    for problem in problems:
        typer.echo(problem.render())
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)
    if not problems:
        typer.echo("No problems found.")
