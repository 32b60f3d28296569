"""Files of this machine that match a glob, each one batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ingestion.declaration import Declaration
from ingestion.sources import Discovery, Fingerprint, Found, Memory, SourceKind
from ingestion.sources._globs import expanded_glob, matches, nearby, shown_path
from recomart.errors import ShopFileError, SourceMissing
from recomart.shop.sources import Source

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader

COPY_BYTES = 4 << 20
NESTED = ("jsonl", "json")
"""The formats whose records may have lists."""


class FileSource(Source):
    """Files that match a glob, each one batch."""

    kind: ClassVar[str] = "files"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {"files"}

    files: tuple[str, ...] = Field(
        description="Globs. {lake} and {data} are those folders, {package:name} is that of "
        "an installed Python package; else relative to the YAML."
    )
    format: Literal["csv", "jsonl", "json", "parquet"] = "csv"
    delimiter: str = ","
    quote: str = Field('"', max_length=1)
    header: bool = True
    fields: tuple[str, ...] = Field((), description="Column names, for files without a header.")
    encoding: str = "utf-8"
    decimal: Literal[",", "."] | None = Field(
        None,
        description='"," where numbers are written 1.299,00; "." where 1,299.00; unset where 1299.00.',
    )
    items: str | None = Field(
        None, description="Path to the list of records in a JSON document; unset: it is the list."
    )
    each: str | None = Field(
        None, description="Path in a JSON object to a nested list, whose elements are the records."
    )
    strict: bool | None = Field(
        None,
        description="Whether a column that is not declared stops the load; by default, of CSV and "
        "Parquet.",
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
        if self.items is not None and self.format != "json":
            raise ValueError("items is the path of a list in a JSON document: set format: json")
        if self.each is not None and self.format not in NESTED:
            raise ValueError("each is a list inside a JSON object: set format: jsonl or json")
        return self

    @classmethod
    def has_nested_lists(cls, declared: Mapping[str, Any]) -> bool:
        return declared.get("format") in NESTED

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
            except SourceMissing as exc:
                problems.append(exc)
                continue
            for path, size in sizes.items():
                found.setdefault(
                    path.resolve(),
                    Found(
                        shown_path(path, declared),
                        _ending(path, declared.source),
                        size=size,
                        path=path,
                    ),
                )
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


def _ending(path: Path, source: FileSource) -> str:
    """What the landed copy is called after the batch id: csv, csv.gz, jsonl, jsonl.gz or parquet."""
    packed = path.suffix == ".gz" and source.format != "parquet"
    return f"{source.format}.gz" if packed else source.format


def _help(pattern: str, declared: Declaration[FileSource]) -> str:
    if "{data}" in pattern:
        return (
            f"put the data set under {declared.settings.data}, or set RECOMART_DATA to its folder"
        )
    if "{lake}/source_data" in pattern:
        return "run 'recomart generate' first"
    return "fix the path; a relative one starts at the shop file's folder"
