"""Which files a source reads, and how they are written: keys that a source and its lookups share."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from recomart.shop.sources import STRICT

NESTED = ("jsonl", "json")
"""The formats whose records may have lists."""


class FileFormat(BaseModel):
    """Files that match globs, and how their records are written."""

    model_config = STRICT

    files: tuple[str, ...] = Field(
        description="Globs. {lake} and {data} are those folders, {package:name} is that of "
        "an installed Python package; else relative to the YAML. Or URLs with globs: s3://, gs://, "
        "az://, sftp://, https://; {env:NAME} is a part that the environment gives."
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
    skip_lines: int | None = Field(
        None, ge=0, description="How many of the first lines of a CSV come before its table."
    )
    escape: str | None = Field(
        None,
        description="The sign that takes the meaning from the sign after it in a CSV: \\ in exports of "
        "MySQL. Unset: none.",
    )
    items: str | None = Field(
        None, description="Path to the list of records in a JSON document; unset: it is the list."
    )
    each: str | None = Field(
        None, description="Path in a JSON object to a nested list, whose elements are the records."
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

    @field_validator("escape")
    @classmethod
    def _is_one_sign(cls, escape: str | None) -> str | None:
        if escape is not None and (len(escape) != 1 or not escape.isascii() or escape.isalnum()):
            raise ValueError('expected one sign, as in escape: "\\\\"')
        return escape

    @model_validator(mode="after")
    def _header_or_fields(self) -> FileFormat:
        if self.format == "csv" and self.header == bool(self.fields):
            raise ValueError("a CSV has either a header, or header: false and fields: [names]")
        of_text = {"delimiter", "quote", "header", "fields", "encoding"} & self.model_fields_set
        if self.format == "parquet" and of_text:
            raise ValueError(f"Parquet needs no {', '.join(sorted(of_text))}: it says so itself")
        own = {"skip_lines", "escape"} & self.model_fields_set
        if self.format != "csv" and own:
            raise ValueError(f"{', '.join(sorted(own))}: only a CSV has this")
        if self.escape is not None and self.escape in (self.quote, self.delimiter):
            raise ValueError("escape is another sign than quote and delimiter")
        if self.items is not None and self.format != "json":
            raise ValueError("items is the path of a list in a JSON document: set format: json")
        if self.each is not None and self.format not in NESTED:
            raise ValueError("each is a list inside a JSON object: set format: jsonl or json")
        return self
