"""What a shop file may say of a source: where its records are, and how its columns map to ours."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from recomart.shop.entities import ENTITIES

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Column(BaseModel):
    """How one of our columns is made from a source's; exactly one of the first six is given."""

    model_config = _STRICT

    column: str | None = Field(None, description="The source's column, or a JSON path a.b.c.")
    value: str | None = Field(None, description="The same text for every record.")
    hash_of: tuple[str, ...] | None = Field(
        None, description="Columns whose md5 is the id, for a source without one."
    )
    first_flag: dict[str, str] | None = Field(
        None, description="Source column -> text; the first column that holds 1 gives the text."
    )
    join: tuple[str, ...] | None = Field(
        None, description="Columns whose texts make one, a space between; empty ones are left out."
    )
    first_of: tuple[str, ...] | None = Field(
        None, description="Columns of which the first that is not empty gives the text."
    )
    values: dict[str, str] | None = Field(
        None, description="With column: text as received -> ours. Other texts stay as they are."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        names = ("column", "value", "hash_of", "first_flag", "join", "first_of")
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"needs exactly one of {', '.join(names)}")
        if self.values is not None and self.column is None:
            raise ValueError("values goes with column")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The source's columns that this one is made from."""
        if self.column is not None:
            return (self.column,)
        return self.hash_of or self.join or self.first_of or tuple(self.first_flag or ())


class _Source(BaseModel):
    model_config = _STRICT

    columns: dict[str, Column]
    ignore: tuple[str, ...] = Field((), description="The source's columns that we leave out.")
    time_format: str = Field(
        "iso", description="iso, epoch_seconds, epoch_milliseconds, or a strptime pattern."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_columns(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("columns"), dict):
            columns = {
                key: value if isinstance(value, dict | Column) else {"column": str(value)}
                for key, value in data["columns"].items()
            }
            return {**data, "columns": columns}
        return data

    @field_validator("time_format")
    @classmethod
    def _known_to_duckdb(cls, pattern: str) -> str:
        if "%" in pattern:
            import duckdb

            try:
                with duckdb.connect() as connection:
                    connection.execute("select try_strptime('', ?)", [pattern])
            except duckdb.Error as exc:
                raise ValueError(str(exc).partition(f"{pattern}: ")[2] or str(exc)) from exc
        return pattern

    @property
    def reads(self) -> tuple[str, ...]:
        """Every source column that the mapping reads, once, in order."""
        return tuple(dict.fromkeys(name for c in self.columns.values() for name in c.reads))


class FileSource(_Source):
    """Files that match a glob, each one batch."""

    files: tuple[str, ...] = Field(
        description="Globs. {lake} and {data} stand for those folders, {package:name} for that of "
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


class ApiKey(BaseModel):
    """A key that the catalogue asks for; its value comes from the environment, never from here."""

    model_config = _STRICT

    header: str = "X-API-Key"
    env: str | None = Field(None, description="The variable that holds the key.")
    value: str | None = Field(None, description="A key that is no secret (the mock catalogue's).")


class ApiSource(_Source):
    """An HTTP catalogue that answers in JSON pages."""

    api: str = Field(description="URL; {mock_api} stands for RecoMart's own mock catalogue.")
    api_key: ApiKey | None = None
    items: str = Field("items", description="Path to the list of records in a page.")
    each: str | None = Field(
        None, description="Path in an item to a nested list, whose elements are the records."
    )
    total: str | None = Field("total", description="Path to the count of all records, checked.")
    page_param: str = "page"
    size_param: str = "page_size"
    page_size: int = Field(100, ge=1)
    paging: Literal["page", "offset"] = Field(
        "page", description="Whether page_param counts pages from 1, or records from 0."
    )
    updated_since_param: str | None = Field(None, description="Unset: the whole catalogue.")
    allow_hosts: tuple[str, ...] = Field((), description="Hosts beside the URL's own.")
    timeout_seconds: float = Field(10.0, gt=0)
    max_bytes: int = Field(200_000_000, gt=0, description="Of one fetch, all pages together.")
    mock_file: str | None = Field(
        None,
        description="With {mock_api}: a JSON list of items that the mock catalogue serves in the "
        "way declared here. Unset: the demo shop's generated catalogue.",
    )


class MadeSource(_Source):
    """Records made from the bytes of another entity's source, which land once for both.

    Users and products are lists: each distinct combination of the mapped columns is one record.
    """

    made_from: str = Field(description="The entity whose files or pages these records are made of.")
    each: str | None = Field(
        None, description="Path in an item to a nested list, whose elements are the records."
    )

    def of(self, origin: FileSource | ApiSource) -> FileSource | ApiSource:
        """How the bytes of the origin are read for these records."""
        changes: dict[str, Any] = {"columns": self.columns, "ignore": self.ignore}
        changes["time_format"] = self.time_format
        if isinstance(origin, ApiSource):
            changes["each"] = self.each
        return origin.model_copy(update=changes)


class StreamSource(_Source):
    """Events that come by the stream alone: the speed layer's segments, which need no mapping."""

    columns: dict[str, Column] = {
        name: Column.model_validate({"column": name}) for name in ENTITIES["events"]
    }

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, data: Any) -> Any:
        return {} if data == STREAM else data


STREAM = "stream"
"""What stands in a shop file for a StreamSource."""

_KINDS = {"api": ApiSource, "made_from": MadeSource}


def _kind(source: Any) -> str:
    if source == STREAM or isinstance(source, StreamSource):
        return "stream-source"
    for key, model in _KINDS.items():
        if isinstance(source, model) or (isinstance(source, dict) and key in source):
            return f"{key.removesuffix('_from')}-source"
    return "file-source"


ReadSource = FileSource | ApiSource
"""A source with bytes of its own."""

Source = Annotated[
    Annotated[FileSource, Tag("file-source")]
    | Annotated[ApiSource, Tag("api-source")]
    | Annotated[MadeSource, Tag("made-source")]
    | Annotated[StreamSource, Tag("stream-source")],
    Discriminator(_kind),
]
TAGS = ("file-source", "api-source", "made-source", "stream-source")
