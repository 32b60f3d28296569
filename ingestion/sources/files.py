"""Files that match a glob, on this machine or on another filesystem (a URL), each one batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from ingestion.declaration import Declaration
from ingestion.sources import Discovery, Fingerprint, Found, Memory, Place, SourceKind
from ingestion.sources._file_format import NESTED, FileFormat
from ingestion.sources._globs import expanded_glob, matches, nearby, shown_path
from ingestion.sources._join import Join
from ingestion.sources._storage import bytes_of, check_url, is_url, objects_of
from recomart.errors import ShopFileError, SourceError, SourceMissing
from recomart.shop.sources import Source

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader

COPY_BYTES = 4 << 20
PREVIEW_BYTES = 8 << 20


class FileSource(FileFormat, Source):
    """Files that match a glob, each one batch."""

    kind: ClassVar[str] = "files"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {"files"}

    strict: bool | None = Field(
        None,
        description="Whether a column that is not declared stops the load; by default, of CSV and "
        "Parquet.",
    )

    join: tuple[Join, ...] | None = Field(
        None, description="Columns from other files, in which a record is looked up by a key."
    )

    @field_validator("join", mode="before")
    @classmethod
    def _one_join(cls, joins: Any) -> Any:
        return [joins] if isinstance(joins, dict) else joins

    @model_validator(mode="after")
    def _each_column_once(self) -> FileSource:
        fill = self.fill_down
        taken = {*fill.columns, *fill.within} if fill else set()
        for join in self.join or ():
            if twice := taken & set(join.columns):
                raise ValueError(
                    f"join brings {', '.join(sorted(twice))}, which an earlier join or fill_down "
                    "names; give it another name: columns: {name: its column}"
                )
            taken |= set(join.columns)
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the files themselves; a join brings the others."""
        joined: set[str] = set()
        keys: list[str] = []
        for join in self.join or ():
            keys += [name for name in join.on if name not in joined]
            joined |= set(join.columns)
        own = (name for name in super().reads if name not in joined)
        return tuple(dict.fromkeys([*own, *keys]))

    @classmethod
    def has_nested_lists(cls, declared: Mapping[str, Any]) -> bool:
        return declared.get("format") in NESTED

    @property
    def decimal_sign(self) -> str | None:
        return self.decimal


class LocalFiles(SourceKind[FileSource]):
    """One object per file. With a URL among its globs, all objects of a source are fetched first."""

    model = FileSource
    place = "local"

    def place_of(self, source: FileSource) -> Place:
        return "remote" if any(map(is_url, source.files)) else "local"

    def check(self, declared: Declaration[FileSource]) -> None:
        from ingestion.readers.text import is_utf8

        for pattern in declared.source.files:
            if is_url(pattern):
                check_url(pattern, declared)
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
        found: dict[Path | str, Found] = {}
        problems: list[SourceError] = []
        for pattern in declared.source.files:
            try:
                found = {**(_remote if is_url(pattern) else _local)(pattern, declared), **found}
            except SourceError as exc:
                problems.append(exc)
        return Discovery(tuple(sorted(found.values(), key=lambda one: one.name)), tuple(problems))

    def fingerprint(self, declared: Declaration[FileSource], found: Found) -> Fingerprint:
        from recomart.files import sha256_of

        if found.path is None:
            return Fingerprint(version=found.handle.version)
        return Fingerprint(sha256=sha256_of(found.path))

    def open(self, declared: Declaration[FileSource], found: Found) -> Iterator[bytes]:
        from fsspec.implementations.local import LocalFileSystem

        if found.path is None:
            yield from bytes_of(found, declared.where("files"))
            return
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

    def preview(self, declared: Declaration[FileSource], found: Found, folder: Path) -> Path | None:
        """The file; of an object elsewhere a copy, or its first lines; None when it is too large for
        the one and has no lines to be cut at."""
        if found.path is not None:
            return found.path
        content = b""
        for piece in bytes_of(found, declared.where("files")):
            content += piece
            if len(content) > PREVIEW_BYTES:
                if found.ending not in ("csv", "jsonl"):
                    return None
                content = content[: content.rfind(b"\n", 0, PREVIEW_BYTES) + 1]
                break
        name = hashlib.sha256(found.name.encode()).hexdigest()[:16]
        path = folder / f"{name}.{found.ending}"
        path.write_bytes(content)
        return path


SOURCE = LocalFiles()


def _local(pattern: str, declared: Declaration[FileSource]) -> dict[Path | str, Found]:
    """The files of this machine that match, by their paths.

    Raises:
        SourceMissing: none does.
    """
    expanded = expanded_glob(pattern, declared)
    sizes = matches(expanded)
    if not sizes:
        raise SourceMissing(
            f"no file matches {expanded}",
            code="missing-files",
            where=declared.where("files"),
            found=nearby(expanded),
            help=_help(pattern, declared),
        )
    source = declared.source
    return {
        path.resolve(): Found(
            shown_path(path, declared), _ending(str(path), source), size=size, path=path
        )
        for path, size in sizes.items()
    }


def _remote(pattern: str, declared: Declaration[FileSource]) -> dict[Path | str, Found]:
    """The objects of another filesystem that match, by their names.

    Raises:
        SourceError: none does, or the filesystem is not reachable, refuses, or has no driver.
    """
    return {
        name: Found(name, _ending(name, declared.source), size=one.size, handle=one)
        for name, one in objects_of(pattern, declared).items()
    }


def _ending(name: str, source: FileSource) -> str:
    """What the landed copy is called after the batch id: csv, csv.gz, jsonl, jsonl.gz or parquet."""
    packed = name.partition("?")[0].endswith(".gz") and source.format != "parquet"
    return f"{source.format}.gz" if packed else source.format


def _help(pattern: str, declared: Declaration[FileSource]) -> str:
    if "{data}" in pattern:
        return (
            f"put the data set under {declared.settings.data}, or set RECOMART_DATA to its folder"
        )
    if "{lake}/source_data" in pattern:
        return "run 'recomart generate' first"
    return "fix the path; a relative one starts at the shop file's folder"
