"""What a shop file may say of a table or query of a database."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import BaseModel, Field, field_validator, model_validator

from recomart.shop.sources import STRICT, Source

_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_PERIOD = re.compile(rf"(\d+) ({'|'.join(_UNITS)})s?")


class DatabaseUrl(BaseModel):
    """Where the database is; its URL has a password, and so comes from the environment."""

    model_config = STRICT

    env: str = Field(
        description="The variable with postgresql://user:password@host:port/name, or mysql://..."
    )


class DatabaseSource(Source):
    """A table or a query of a database. All rows land as one Parquet file of texts."""

    kind: ClassVar[str] = "database"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {
        "database", "table", "query", "cursor", "lookback",
    }  # fmt: skip

    database: DatabaseUrl
    table: str | None = Field(None, description="A table or view, if need be with its schema.")
    query: str | None = Field(None, description="A select, in place of a table.")
    cursor: str | None = Field(
        None,
        description="A column that grows with every new or changed row: only rows from the newest "
        "value on are read again. Unset: all rows.",
    )
    lookback: int | str | None = Field(
        None,
        description="How far before the newest value rows are read again, for those that are "
        "committed late: 2 hours, or a number for a cursor of numbers.",
    )
    strict: bool | None = Field(
        None, description="Whether a column that is neither mapped nor ignored stops the load."
    )

    @field_validator("lookback")
    @classmethod
    def _is_a_period(cls, lookback: int | str | None) -> int | str | None:
        if isinstance(lookback, str) and not _PERIOD.fullmatch(lookback):
            raise ValueError(f"expected a number, or a period: N {', '.join(_UNITS)}s")
        if isinstance(lookback, int) and lookback < 0:
            raise ValueError("expected a number from 0 on")
        return lookback

    @model_validator(mode="after")
    def _one_origin_of_rows(self) -> DatabaseSource:
        if (self.table is None) == (self.query is None):
            raise ValueError("a database source has either a table or a query")
        if self.lookback is not None and self.cursor is None:
            raise ValueError("lookback goes with cursor")
        numbered = [name for name, column in self.columns.items() if column.number_within]
        if self.cursor is not None and (self.adds_up or numbered):
            # equal rows are counted within one read, and with a cursor a read has some of them
            raise ValueError(
                f"{'repeats: add_up' if self.adds_up else f'{numbered[0]}.number_within'} counts rows "
                "within one read, and cursor reads some rows alone: map a column with the line's "
                "number, or leave out cursor"
            )
        return self

    @property
    def lookback_seconds(self) -> int | None:
        """The lookback of a cursor of times; None without one, or for a cursor of numbers."""
        match = _PERIOD.fullmatch(self.lookback) if isinstance(self.lookback, str) else None
        return int(match[1]) * _UNITS[match[2]] if match else None
