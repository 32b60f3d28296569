"""The keys of an HTTP API in a shop file."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from recomart.shop.sources import STRICT, Source


class ApiKey(BaseModel):
    """A key that the API asks for; its value comes from the environment, never from here."""

    model_config = STRICT

    header: str = "X-API-Key"
    env: str | None = Field(None, description="The variable that holds the key.")
    value: str | None = Field(None, description="A key that is not secret (the mock catalogue's).")


class Bearer(BaseModel):
    """A token for the header Authorization."""

    model_config = STRICT

    env: str = Field(description="The variable that holds the token.")


class Basic(BaseModel):
    """A user and a password for the header Authorization."""

    model_config = STRICT

    user_env: str = Field(description="The variable that holds the user, or the key.")
    password_env: str = Field(description="The variable that holds the password, or the secret.")


class ApiSource(Source):
    """An HTTP API that answers in JSON pages."""

    kind: ClassVar[str] = "api"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {
        "api", "api_key", "bearer", "basic", "query_env", "total", "page_param", "size_param",
        "page_size", "paging", "cursor", "cursor_in", "cursor_param", "more", "next", "item_key",
        "updated_since_param", "changed_at", "allow_hosts", "timeout_seconds", "max_bytes",
        "mock_file",
    }  # fmt: skip

    api: str = Field(description="URL; {mock_api} is RecoMart's own mock catalogue.")
    api_key: ApiKey | None = None
    bearer: Bearer | None = None
    basic: Basic | None = None
    query_env: dict[str, str] = Field(
        {}, description="Query parameter -> the variable that holds its value, a key or secret."
    )
    items: str = Field("items", description="Path to the list of records in a page.")
    each: str | None = Field(
        None, description="Path in an item to a nested list, whose elements are the records."
    )
    total: str | None = Field(
        "total",
        description="Path to the count of all records, checked. Where a page has nothing there, a "
        "header such as X-WP-Total or X-Total-Count says it; null: neither does.",
    )
    paging: Literal["page", "offset", "cursor", "link", "none"] = Field(
        "page",
        description="page_param counts pages from 1, or records from 0; or the next page begins "
        "after a cursor, or has a link; or all records come in one answer.",
    )
    page_param: str = "page"
    size_param: str | None = Field("page_size", description="null: the API has no such parameter.")
    page_size: int = Field(100, ge=1)
    cursor: str | None = Field(None, description="With paging: cursor: its path.")
    cursor_in: Literal["page", "last_item"] = Field(
        "page", description="Whether that is a path in the page, or in the last of its items."
    )
    cursor_param: str | None = Field(None, description="The query parameter that it goes into.")
    more: str | None = Field(
        None, description="Path in a page to true or false: whether there are more pages."
    )
    next: str | None = Field(
        None, description="With paging: link: path to the URL. Unset: the Link header has it."
    )
    item_key: tuple[str, ...] | None = Field(
        None,
        description="Paths in an item that identify it; []: the API lists an item several times. "
        "Unset: as the entity's key is mapped.",
    )
    updated_since_param: str | None = Field(
        None,
        description="The query parameter for records changed since a time. Unset: all of them.",
    )
    changed_at: str | None = Field(
        None,
        description="With updated_since_param: path in an item to the time of its last change. "
        "Unset: what updated_at is made from.",
    )
    allow_hosts: tuple[str, ...] = Field((), description="Hosts other than the URL's own.")
    timeout_seconds: float = Field(10.0, gt=0)
    max_bytes: int = Field(200_000_000, gt=0, description="Of one fetch, all pages together.")
    mock_file: str | None = Field(
        None,
        description="With {mock_api}: a JSON list of items that the mock catalogue serves in the "
        "way declared here. Unset: the demo shop's generated catalogue.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_path(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("item_key"), str):
            return {**data, "item_key": [data["item_key"]]}
        return data

    @model_validator(mode="after")
    def _keys_go_together(self) -> ApiSource:
        if self.paging == "cursor" and (self.cursor is None or self.cursor_param is None):
            raise ValueError("paging: cursor needs cursor (its path) and cursor_param")
        only = {"cursor": "cursor", "cursor_in": "cursor", "cursor_param": "cursor",
                "more": "cursor", "next": "link"}  # fmt: skip
        for key, paging in only.items():
            if key in self.model_fields_set and self.paging != paging:
                raise ValueError(f"{key} goes with paging: {paging}")
        if self.changed_at is not None and self.updated_since_param is None:
            raise ValueError("changed_at goes with updated_since_param")
        if self.bearer is not None and self.basic is not None:
            raise ValueError("bearer and basic are two values of one header; give one of them")
        return self
