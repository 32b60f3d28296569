"""What a shop file may say: where each source is, how its columns map to ours, and constants."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

ENTITIES: dict[str, tuple[str, ...]] = {
    "users": ("user_id", "signed_up_at", "country", "birth_year"),
    "products": (
        "product_id",
        "title",
        "category",
        "brand",
        "price",
        "currency",
        "in_stock",
        "updated_at",
    ),
    "ratings": ("user_id", "product_id", "rating", "rated_at"),
    "transactions": (
        "order_id",
        "line_no",
        "user_id",
        "product_id",
        "quantity",
        "unit_price",
        "ordered_at",
    ),
    "events": (
        "event_id",
        "event_type",
        "user_id",
        "session_id",
        "product_id",
        "occurred_at",
        "received_at",
    ),
}
"""Canonical columns of each raw table, in order."""

KEYS: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "products": ("product_id",),
    "ratings": ("user_id", "product_id", "rated_at"),
    "transactions": ("order_id", "line_no"),
    "events": ("event_id",),
}
"""The columns that identify a record of each entity."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "products": ("product_id",),
    "ratings": ("user_id", "product_id", "rating", "rated_at"),
    "transactions": ("order_id", "line_no", "user_id", "product_id", "ordered_at"),
    "events": ("event_id", "event_type", "user_id", "occurred_at"),
}
"""The columns that a source of each entity must map."""

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Column(BaseModel):
    """How one of our columns is made from a source's; exactly one of the first four is given."""

    model_config = _STRICT

    column: str | None = Field(None, description="The source's column, or a JSON path a.b.c.")
    value: str | None = Field(None, description="The same text for every record.")
    hash_of: tuple[str, ...] | None = Field(
        None, description="Columns whose md5 is the id, for a source without one."
    )
    first_flag: dict[str, str] | None = Field(
        None, description="Source column -> text; the first column that holds 1 gives the text."
    )
    values: dict[str, str] | None = Field(
        None, description="With column: text as received -> ours. Other texts stay as they are."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        given = [self.column, self.value, self.hash_of, self.first_flag]
        if sum(origin is not None for origin in given) != 1:
            raise ValueError("needs exactly one of column, value, hash_of, first_flag")
        if self.values is not None and self.column is None:
            raise ValueError("values goes with column")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The source's columns that this one is made from."""
        if self.column is not None:
            return (self.column,)
        return self.hash_of or tuple(self.first_flag or ())


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

    @property
    def reads(self) -> tuple[str, ...]:
        """Every source column that the mapping reads, once, in order."""
        return tuple(dict.fromkeys(name for c in self.columns.values() for name in c.reads))


class FileSource(_Source):
    """Files that match a glob, each one batch."""

    files: tuple[str, ...] = Field(
        description="Globs. {lake} and {data} stand for those folders; else relative to the YAML."
    )
    format: Literal["csv", "jsonl"] = "csv"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    fields: tuple[str, ...] = Field((), description="Column names, for files without a header.")
    encoding: str = "utf-8"

    @model_validator(mode="before")
    @classmethod
    def _one_glob(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("files"), str):
            return {**data, "files": [data["files"]]}
        return data

    @model_validator(mode="after")
    def _header_or_fields(self) -> FileSource:
        if self.format == "csv" and self.header == bool(self.fields):
            raise ValueError("a CSV has either a header, or header: false and fields: [names]")
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


def _kind(source: Any) -> str:
    is_api = isinstance(source, ApiSource) or (isinstance(source, dict) and "api" in source)
    return "api-source" if is_api else "file-source"


Source = Annotated[
    Annotated[FileSource, Tag("file-source")] | Annotated[ApiSource, Tag("api-source")],
    Discriminator(_kind),
]


class Shop(BaseModel):
    """One shop. What is missing among the entities is an empty table downstream."""

    model_config = _STRICT

    title: str
    as_of: Literal["now", "data_end"] | datetime = "data_end"
    rating_scale: tuple[float, float] = (1, 5)
    relevant_rating: Annotated[float | None, Field(description="From here on a user liked it.")] = (
        None
    )
    repeat_purchases: bool = False
    unknown_references: Literal["quarantine", "keep"] = Field(
        "quarantine", description="Of a user or product that the shop's own lists lack."
    )
    currency: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    users: Source | None = None
    products: Source | None = None
    ratings: Source | None = None
    transactions: Source | None = None
    events: Source | None = None

    @property
    def likes_from(self) -> float:
        """The rating from which on a user liked a product: as declared, or 60% up the scale."""
        low, high = self.rating_scale
        return (
            self.relevant_rating if self.relevant_rating is not None else low + 0.6 * (high - low)
        )

    def sources(self) -> dict[str, Source]:
        """The declared sources by entity, in the order of ENTITIES."""
        return {name: source for name in ENTITIES if (source := getattr(self, name)) is not None}
