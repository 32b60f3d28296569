"""Where things are: the files that ship with the code, and the user's project folder.

In a checkout both are the checkout itself. Installed from a wheel they are apart: dbt's project, the
example shops and Feast's repo lie inside `site-packages/recomart/_data`, which nothing writes to;
shop files, lake and own dbt models lie in the project folder that `recomart new` wrote.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from recomart.errors import ConfigurationError

PREFIX = "RECOMART_"
SETTINGS_FILE = "recomart.env"
"""Marks a project folder, and holds its settings: lines of RECOMART_NAME=value."""
OWN_MODELS = "dbt_models"
"""The folder of a project whose dbt models are built together with ours."""

CODE_ROOT = Path(__file__).resolve().parents[1]
_PACKED = CODE_ROOT / "recomart" / "_data"
IN_CHECKOUT = not _PACKED.is_dir()
_SHIPPED = CODE_ROOT if IN_CHECKOUT else _PACKED

DBT_PROJECT = _SHIPPED / "dbt_project"
FEATURE_REPO = _SHIPPED / "feature_repo"
EXAMPLE_SHOPS = _SHIPPED / "shops"


def find_project() -> Path:
    """The project folder, from which relative paths and names of shops count.

    In this order: RECOMART_PROJECT; the current folder or its nearest parent that holds
    `recomart.env`; the checkout that the code runs from.

    Raises:
        ConfigurationError: RECOMART_PROJECT is not a folder, or the code runs from a wheel and the
            current folder belongs to no project.
    """
    if named := os.environ.get(f"{PREFIX}PROJECT"):
        folder = Path(named).expanduser().resolve()
        if not folder.is_dir():
            raise ConfigurationError(
                f"{PREFIX}PROJECT names a folder that does not exist",
                code="no-project",
                found=named,
                help=f"run 'recomart new {named}', or set {PREFIX}PROJECT to a project's folder",
            )
        return folder
    here = _current_folder()
    for folder in (here, *here.parents):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    if IN_CHECKOUT:
        return CODE_ROOT
    raise ConfigurationError(
        "this folder has no shop: it is not part of a RecoMart project",
        code="no-project",
        where=str(here),
        found=f"no {SETTINGS_FILE} here or in a parent folder",
        help="run 'recomart new FOLDER' to create a project, and work inside it; "
        f"or set {PREFIX}PROJECT to an existing one",
    )


def settings_file(project: Path, known: tuple[str, ...]) -> Path | None:
    """The settings file of a project folder, if it has one.

    Args:
        known: the settings' names, upper case, without the prefix.

    Raises:
        ConfigurationError: the file sets a variable with our prefix that does not exist.
    """
    path = project / SETTINGS_FILE
    if not path.is_file():
        return None
    names = [PREFIX + name for name in known if name != "PROJECT"]
    for name in dotenv_values(path):
        if name.startswith(PREFIX) and name not in names:
            close = get_close_matches(name, names, n=1)
            raise ConfigurationError(
                f"there is no setting {name}",
                code="unknown-setting",
                where=f"{path}:{_line_of(path, name)}",
                found=name,
                help=f"did you mean {close[0]}?" if close else f"choose from {', '.join(names)}",
            )
    return path


def _line_of(path: Path, name: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    stripped = (line.strip().removeprefix("export ").lstrip() for line in lines)
    return next((n for n, line in enumerate(stripped, 1) if line.startswith(name)), 1)


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # deleted since the process started
        return CODE_ROOT
