"""A lookup join: a source takes columns from other files, in which its records are found by a key."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from ingestion.sources._file_format import FileFormat


class Join(FileFormat):
    """Files in which records are looked up, the columns to find them by, and what to take."""

    on: dict[str, str] = Field(
        min_length=1, description="The source's column -> the column of these files that equals it."
    )
    columns: dict[str, str] = Field(
        min_length=1, description="A name for the mapping -> the column of these files."
    )

    @field_validator("on", "columns", mode="before")
    @classmethod
    def _by_their_names(cls, names: Any) -> Any:
        """One name, or a list of names: those of the files."""
        if isinstance(names, str):
            names = [names]
        return {str(name): str(name) for name in names} if isinstance(names, list) else names

    @model_validator(mode="after")
    def _has_records(self) -> Join:
        if self.each is not None:
            raise ValueError("each: a lookup has one record per key")
        if self.decimal is not None:
            raise ValueError("decimal is a key of the source: it counts for joined columns too")
        return self
