"""Ways in which an HTTP API hands out a list in pages: the URL of each page, and which is the last.

A list has ended when something says so: its total, an empty page, `has_more: false`, a cursor that is
null, or a page that names no next one although an earlier page did. A page with few records has not:
a server may cap its pages below the size that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from ingestion.readers.json_values import Number, as_text, at_path, dumped
from ingestion.sources._api_keys import ApiSource

MORE = {"true": True, "1": True, "false": False, "0": False}
COUNTING = frozenset(
    {"page", "offset", "skip", "start", "from", "paged", "pageNumber", "pageIndex"}
)
"""Query parameters whose whole number is a place in the list."""


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


class Paging(Protocol):
    """One way of paging. An instance serves one reading of a list.

    Every method that takes a page raises Contradiction when the page does not say what it should.
    """

    runs_past_the_end: bool
    """Whether it asks for a page that may not exist, so that 404 means the end."""

    def first(self, size: int) -> str:
        """The URL of the first page.

        Args:
            size: the number of records to ask for in each page.
        """

    def next(self, page: Page, received: int) -> str | None:
        """The URL of the page after this one; None when this is the last.

        Args:
            received: the records so far.
        """

    def names_next(self, page: Page) -> bool:
        """Whether the page itself says that there is a next one."""

    def shows_end(self, page: Page) -> bool:
        """Whether the last page itself says that it is the last."""

    def shifts(self, page: Page) -> bool:
        """Whether pages are places in the list, so that a record added or deleted moves others
        between pages."""


class _Counted:
    """Pages by a number: the list ends at its total, or with an empty page."""

    runs_past_the_end = True

    def __init__(self, source: ApiSource, url: str) -> None:
        self._source, self._url, self._size = source, url, 0

    def first(self, size: int) -> str:
        self._size = size
        return self._at(self._place(1, 0))

    def next(self, page: Page, received: int) -> str | None:
        return self._at(self._place(page.number + 1, received)) if page.items else None

    def names_next(self, page: Page) -> bool:
        return page.link is not None

    def shows_end(self, page: Page) -> bool:
        return False

    def shifts(self, page: Page) -> bool:
        return True

    def _place(self, number: int, received: int) -> int:
        raise NotImplementedError

    def _at(self, place: int) -> str:
        return _with(
            self._url, {self._source.page_param: place, **_sized(self._source, self._size)}
        )


class PageNumbers(_Counted):
    """page=1, page=2, ..."""

    def _place(self, number: int, received: int) -> int:
        return number


class Offsets(_Counted):
    """offset=0, then as many as were received."""

    def _place(self, number: int, received: int) -> int:
        return received


class SinglePage:
    """All records in one answer."""

    runs_past_the_end = False

    def __init__(self, source: ApiSource, url: str) -> None:
        self._url = url

    def first(self, size: int) -> str:
        return self._url

    def next(self, page: Page, received: int) -> str | None:
        if page.link is not None:
            raise Contradiction(
                f"page {page.number} links to a next one, although paging is none",
                page.url,
                page.link,
                help="declare how the API pages: paging: link follows such links",
            )
        return None

    def names_next(self, page: Page) -> bool:
        return page.link is not None

    def shows_end(self, page: Page) -> bool:
        return True

    def shifts(self, page: Page) -> bool:
        return False


class Links:
    """Each page names the URL of the next: in its Link header, or in its body."""

    runs_past_the_end = False

    def __init__(self, source: ApiSource, url: str) -> None:
        self._source, self._url = source, url
        self._path = tuple(source.next.split(".")) if source.next else None
        self._seen: dict[str, int] = {}

    def first(self, size: int) -> str:
        url = _with(self._url, _sized(self._source, size))
        self._seen[url] = 1
        return url

    def next(self, page: Page, received: int) -> str | None:
        link = self._link(page)
        if link is None:
            return None
        if link in self._seen:
            raise Contradiction(
                f"page {page.number} links to page {self._seen[link]} as the next one",
                page.url,
                link,
            )
        self._seen[link] = page.number + 1
        return link

    def names_next(self, page: Page) -> bool:
        return self._link(page) is not None

    def shows_end(self, page: Page) -> bool:
        """Links that were there before and are not now; or the body's null."""
        named = self._path is not None and _has(page.value, self._path)
        return page.number > 1 or named or _is_shorter_than_all(page, self._source)

    def shifts(self, page: Page) -> bool:
        """As by page numbers, if that is what the links have."""
        counted = COUNTING | {self._source.page_param}
        urls = (page.url, self._link(page) or "")
        query = [pair for url in urls for pair in parse_qsl(urlsplit(url).query)]
        return any(name in counted and value.isdigit() for name, value in query)

    def _link(self, page: Page) -> str | None:
        if self._path is None:
            link = page.link
        else:
            value = at_path(page.value, self._path)
            if value is not None and type(value) is not str:
                raise Contradiction(
                    f"page {page.number} has no URL at '{self._source.next}'",
                    page.url,
                    dumped(value)[:120],
                    help="check next in the shop file",
                )
            link = urljoin(page.url, value) if value else None
        return _as_secure_as(self._url, link) if link is not None else None


class Cursors:
    """The next page begins after a cursor, which is in the page or is its last record's id."""

    runs_past_the_end = False

    def __init__(self, source: ApiSource, url: str) -> None:
        self._source, self._url, self._size = source, url, 0
        self._path, self._param = tuple((source.cursor or "").split(".")), source.cursor_param or ""
        self._more = tuple(source.more.split(".")) if source.more else None
        self._of_last = source.cursor_in == "last_item"
        self._seen: dict[str, int] = {}

    def first(self, size: int) -> str:
        self._size = size
        return _with(self._url, _sized(self._source, size))

    def next(self, page: Page, received: int) -> str | None:
        more = self._says_more(page)
        if more is False:
            return None
        cursor = self._cursor(page)
        if cursor is None:
            if more or (self._of_last and page.items):
                raise self._no_cursor(page)
            return None
        if cursor in self._seen:
            raise Contradiction(
                f"page {page.number} has the cursor of page {self._seen[cursor]}",
                page.url,
                cursor[:120],
                help="check cursor and cursor_param in the shop file",
            )
        self._seen[cursor] = page.number
        return _with(self._url, {**_sized(self._source, self._size), self._param: cursor})

    def names_next(self, page: Page) -> bool:
        more = self._says_more(page)
        return (not self._of_last and self._cursor(page) is not None) if more is None else more

    def shows_end(self, page: Page) -> bool:
        return (
            page.number > 1
            or self._says_more(page) is False
            or self._of_last
            or _has(page.value, self._path)
            or _is_shorter_than_all(page, self._source)
        )

    def shifts(self, page: Page) -> bool:
        return False

    def _says_more(self, page: Page) -> bool | None:
        if self._more is None:
            return None
        value = as_text(at_path(page.value, self._more))
        if value is None or value.lower() not in MORE:
            raise Contradiction(
                f"page {page.number} does not say true or false at '{self._source.more}'",
                page.url,
                value and value[:120],
                help="check more in the shop file",
            )
        return MORE[value.lower()]

    def _cursor(self, page: Page) -> str | None:
        if self._of_last:
            value = at_path(page.items[-1], self._path) if page.items else None
        else:
            value = at_path(page.value, self._path)
        if value is not None and type(value) not in (str, Number):
            raise self._no_cursor(page)
        return as_text(value)

    def _no_cursor(self, page: Page) -> Contradiction:
        place = "its last record" if self._of_last else "it"
        return Contradiction(
            f"page {page.number} goes on, but {place} has no cursor at '{self._source.cursor}'",
            page.url,
            help="check cursor and cursor_in in the shop file",
        )


PAGINGS: Mapping[str, Callable[[ApiSource, str], Paging]] = {
    "page": PageNumbers,
    "offset": Offsets,
    "cursor": Cursors,
    "link": Links,
    "none": SinglePage,
}
"""What a shop file may call a way of paging."""


def _sized(source: ApiSource, size: int) -> dict[str, str | int]:
    return {} if source.size_param is None else {source.size_param: size}


def _with(url: str, query: Mapping[str, str | int]) -> str:
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


def _is_shorter_than_all(page: Page, source: ApiSource) -> bool:
    """Whether a page has fewer records than every page but the last has, by the shop file's word."""
    fixed = source.size_param is None and "page_size" in source.model_fields_set
    return fixed and len(page.items) < source.page_size


def _has(value: Any, path: tuple[str, ...]) -> bool:
    """Whether a parsed page has a key at this path, whatever its value."""
    holder = at_path(value, path[:-1])
    return isinstance(holder, dict) and path[-1] in holder


def _as_secure_as(url: str, link: str) -> str:
    """A link to the same host, with the encryption of `url`: a server behind a proxy may not know."""
    asked, parts = urlsplit(url), urlsplit(link)
    same = asked.netloc == parts.netloc and (asked.scheme, parts.scheme) == ("https", "http")
    return parts._replace(scheme="https").geturl() if same else link
