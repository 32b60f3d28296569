"""A page of a list over HTTP, what contradicts it, and URLs with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ingestion.sources._api_keys import ApiSource


class Contradiction(Exception):
    """The pages of a list contradict each other, as they do when it changes while it is read.

    Args:
        message: what shows it.
        url: the page that does.
        found: the counts.
        help: what to do if it stays so.
    """

    def __init__(
        self, message: str, url: str, found: str | None = None, help: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.url, self.found, self.help = message, url, found, help


@dataclass(frozen=True)
class Page:
    """A page as received and read.

    Args:
        number: from 1, in the order of the requests.
        url: as it was asked for.
        value: what its JSON says.
        items: the records in it.
        total: how many records it says that the list has.
        link: the URL that its Link header calls the next page.
    """

    number: int
    url: str
    value: Any
    items: list[Any]
    total: int | None
    link: str | None


def sized(source: ApiSource, size: int) -> dict[str, str | int]:
    return {} if source.size_param is None else {source.size_param: size}


def with_query(url: str, query: Mapping[str, str | int]) -> str:
    """A URL with parameters in its query, each in place of one of that name."""
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    if any(name in query for name, _ in given):
        kept = [(name, value) for name, value in given if name not in query]
        url = parts._replace(query=urlencode(kept)).geturl()
    added = urlencode(query)
    if not added:
        return url
    return f"{url}{'&' if '?' in url else '?'}{added}"
