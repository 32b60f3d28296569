"""The folders that dbt works in: its project, with the user's own models, and its artifacts."""

from __future__ import annotations

from pathlib import Path

from feature_store.dbt_manifest import artifact_folders
from recomart.files import swap_link
from recomart.lake import open_lake
from recomart.project import DBT_PROJECT, OWN_MODELS
from recomart.settings import Settings

_NOT_LINKED = {"target", "logs", "lint", OWN_MODELS}
"""What `dbt build` by hand leaves in a checkout, and what only the linter reads."""


def target_path(settings: Settings) -> Path:
    """dbt's artifacts of this lake, apart from those of `dbt build` by hand and of other shops."""
    return artifact_folders(settings)[0]


def project_folder(settings: Settings) -> Path:
    """The dbt project to run: RecoMart's own, or one of links to it and to the user's models.

    All models must be below the project's folder. dbt writes what it runs to
    `<target>/run/<model's path>`: with an absolute path, or one that leads out of the folder, it
    would overwrite the model itself.
    """
    own = settings.project / OWN_MODELS
    if not own.is_dir():
        return DBT_PROJECT
    folder = open_lake(settings) / "dbt_project"
    folder.mkdir(exist_ok=True)
    wanted = {path.name: path for path in DBT_PROJECT.iterdir() if path.name not in _NOT_LINKED}
    wanted[OWN_MODELS] = own
    for link in folder.iterdir():
        if link.name not in wanted:
            link.unlink()  # of an older version
    for name, target in wanted.items():
        link = folder / name
        if not link.is_symlink() or link.readlink() != target:
            swap_link(link, str(target))
    return folder
