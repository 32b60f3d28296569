"""Pages that name the next one: by a URL, or by a cursor."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from ingestion.readers.json_values import Number, as_text, at_path, dumped
from ingestion.sources._api_keys import ApiSource
from ingestion.sources._page import Contradiction, Page, sized, with_query

MORE = {"true": True, "1": True, "false": False, "0": False}
COUNTING = frozenset(
    {"page", "offset", "skip", "start", "from", "paged", "pageNumber", "pageIndex"}
)
"""Query parameters whose whole number is a place in the list."""


class Links:
    """Each page names the URL of the next: in its Link header, or in its body."""

    runs_past_the_end = False

    def __init__(self, source: ApiSource, url: str) -> None:
        self._source, self._url = source, url
        self._path = tuple(source.next.split(".")) if source.next else None
        self._seen: dict[str, int] = {}

    def first(self, size: int) -> str:
        url = with_query(self._url, sized(self._source, size))
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
                    dumped(value),
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
        return with_query(self._url, sized(self._source, size))

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
                cursor,
                help="check cursor and cursor_param in the shop file",
            )
        self._seen[cursor] = page.number
        return with_query(self._url, {**sized(self._source, self._size), self._param: cursor})

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
                value,
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
