"""The keys of an HTTP API in a shop file."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from recomart.shop.sources import STRICT, Source


class ApiKey(BaseModel):
    """A key that the catalogue asks for; its value comes from the environment, never from here."""

    model_config = STRICT

    header: str = "X-API-Key"
    env: str | None = Field(None, description="The variable that holds the key.")
    value: str | None = Field(None, description="A key that is not secret (the mock catalogue's).")


class ApiSource(Source):
    """An HTTP catalogue that answers in JSON pages."""

    kind: ClassVar[str] = "api"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {
        "api", "api_key", "total", "page_param", "size_param", "page_size", "paging",
        "updated_since_param", "allow_hosts", "timeout_seconds", "max_bytes", "mock_file",
    }  # fmt: skip

    api: str = Field(description="URL; {mock_api} is RecoMart's own mock catalogue.")
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
    allow_hosts: tuple[str, ...] = Field((), description="Hosts other than the URL's own.")
    timeout_seconds: float = Field(10.0, gt=0)
    max_bytes: int = Field(200_000_000, gt=0, description="Of one fetch, all pages together.")
    mock_file: str | None = Field(
        None,
        description="With {mock_api}: a JSON list of items that the mock catalogue serves in the "
        "way declared here. Unset: the demo shop's generated catalogue.",
    )
