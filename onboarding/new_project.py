"""`recomart new`: a project folder of the user's own, in which every command runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from pydantic.fields import FieldInfo

from recomart.errors import ConfigurationError, UnknownName
from recomart.project import EXAMPLE_SHOPS, FEATURE_REPO, PREFIX
from recomart.settings import Settings

if TYPE_CHECKING:
    from onboarding.draft import Draft

TEMPLATE = Path(__file__).with_name("project_template")
RENAMED = {"gitignore": ".gitignore"}
"""Template files that would have an effect in this repository under their real name."""
ALLOWED = {".git"}
"""What a folder may hold already: a repository that the user has just made."""
SHOWN_NAMES = 5
COMPUTED_DEFAULTS = {"lake": "recomart_lake/<shop>", "threads": "<number of cores>"}


@dataclass(frozen=True)
class NewProject:
    """A project folder that was written, and what the user should know about it."""

    folder: Path
    shop: str
    notes: tuple[str, ...]


def from_example(folder: Path, shop: str) -> NewProject:
    """Write a project with one of the example shops.

    Raises:
        UnknownName: there is no such example shop.
        ConfigurationError: the folder is not empty, or cannot be written.
    """
    known = sorted(path.stem for path in EXAMPLE_SHOPS.glob("*.yml"))
    if shop not in known:
        close = get_close_matches(shop, known, n=1)
        raise UnknownName(
            f'there is no example shop "{shop}"',
            code="unknown-shop",
            found=f"the examples are {', '.join(known)}",
            help=(f"did you mean {close[0]}? " if close else "")
            + "For your own data, run 'recomart new FOLDER --from FOLDER_WITH_FILES'",
        )
    text = (EXAMPLE_SHOPS / f"{shop}.yml").read_text(encoding="utf-8")
    data = sorted(set(re.findall(r"\{data\}/([^\s\"',\]]+)", text)))
    notes = (f"this shop reads data sets that you put under data/: {', '.join(data)}",)
    with _new_folder(folder) as made:
        _write(made, shop)
        (made / "shops").mkdir()
        (made / "shops" / f"{shop}.yml").write_text(text, encoding="utf-8")
    return NewProject(made, shop, notes if data else ())


def from_draft(folder: Path, draft: Draft) -> NewProject:
    """Write a project with a guessed shop file (`onboarding.init`).

    Raises:
        ConfigurationError: the folder is not empty, or cannot be written.
    """
    with _new_folder(folder) as made:
        _write(made, draft.name)
        draft.write(made / "shops" / f"{draft.name}.yml")
    return NewProject(made, draft.name, draft.notes)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """The empty folder, created if needed; failures to write become errors that name it."""
    folder = folder.expanduser().resolve()
    try:
        if folder.exists():
            _require_empty(folder)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as exc:
        raise ConfigurationError(
            f"the project folder {folder} cannot be written",
            code="folder-not-writable",
            where=str(exc.filename or folder),
            found=exc.strerror or str(exc),
            help="name another folder, or free this one",
        ) from exc


def _require_empty(folder: Path) -> None:
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder} is a file, not a folder",
            code="not-a-folder",
            help="name a folder that does not exist yet",
        )
    there = sorted(path.name for path in folder.iterdir() if path.name not in ALLOWED)
    if there:
        more = f" and {len(there) - SHOWN_NAMES} more" if len(there) > SHOWN_NAMES else ""
        raise ConfigurationError(
            f"{folder} is not empty; nothing was written",
            code="folder-not-empty",
            found=", ".join(there[:SHOWN_NAMES]) + more,
            help="name a folder that does not exist yet, or move these files away. For a second "
            "shop in an existing project, run 'recomart shop init FOLDER' inside it",
        )


def _write(folder: Path, shop: str) -> None:
    """Everything but the shop file."""
    values = {"shop": shop, "title": folder.name, "settings": _settings_lines()}
    for path in sorted(TEMPLATE.rglob("*")):
        if path.is_file():
            relative = path.relative_to(TEMPLATE)
            target = folder / relative.with_name(RENAMED.get(relative.name, relative.name))
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            target.write_text(Template(text).safe_substitute(values), encoding="utf-8")
    repo = folder / "feature_repo"
    repo.mkdir()
    for path in sorted(FEATURE_REPO.iterdir()):
        if path.suffix in (".py", ".yaml"):
            shutil.copyfile(path, repo / path.name)
    stock = repo / "feature_store.stock.yaml"
    feast_project = f"recomart_{shop}".replace("-", "_")
    text = stock.read_text(encoding="utf-8").replace("recomart_demo", feast_project)
    stock.write_text(text.replace("recomart_lake/demo/", f"recomart_lake/{shop}/"), "utf-8")


def _settings_lines() -> str:
    """Every setting but shop and project, commented out: what it means, then name and default."""
    lines = []
    for name, field in Settings.model_fields.items():
        if name not in ("project", "shop"):
            lines.append(f"# {field.description or name}")
            lines.append(f"# {PREFIX}{name.upper()}={_default(name, field)}")
    return "\n".join(lines)


def _default(name: str, field: FieldInfo) -> str:
    if name in COMPUTED_DEFAULTS:
        return COMPUTED_DEFAULTS[name]
    return "" if field.default is None else str(field.default)
