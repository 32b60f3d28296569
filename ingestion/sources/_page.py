"""A page of a list over HTTP, what contradicts it, and URLs with parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ingestion.readers.json_values import Number, at_path, parse_last
from ingestion.readers.pages import items_of
from ingestion.sources._answer import Answer, Transient
from ingestion.sources._api_keys import ApiSource

TOTAL_HEADERS = ("X-WP-Total", "X-Total-Count", "X-Total", "X-Pagination-Total-Count")
"""Headers by which well-known servers say how many records a list has."""


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


def page_of(
    answer: Answer, number: int, source: ApiSource, start_of: Callable[[bytes], str]
) -> Page:
    """A page from an answer with a body.

    Args:
        number: from 1.
        start_of: shows the start of a body in a message.

    Raises:
        Transient: not JSON, no list of items, or no total where one is declared.
    """
    what, body = f"page {number}", answer.body or b""
    try:
        value = parse_last(body)  # an item that has a key twice is rejected when it is read
    except (ValueError, RecursionError) as exc:
        raise Transient(f"{what} is not JSON ({exc}): {start_of(body)}") from exc
    items = items_of(value, source.items)
    if items is None:
        raise Transient(f"{what} has no list at '{source.items}': {start_of(body)}")
    total = _total(value, answer, source, what)
    return Page(number, answer.url, value, items, total, answer.next_link)


def _total(value: Any, answer: Answer, source: ApiSource, what: str) -> int | None:
    """The count of all records, from the body or a header."""
    if source.total is None:
        return None
    total = at_path(value, tuple(source.total.split(".")))
    if type(total) in (str, Number) and total.isdigit():
        return int(total)
    if "total" in source.model_fields_set or total is not None:
        raise Transient(f"{what} has no count of records at '{source.total}', but {total!r}")
    said = (answer.headers.get(name, "") for name in TOTAL_HEADERS)
    return next((int(count) for count in said if count.isdigit()), None)


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
