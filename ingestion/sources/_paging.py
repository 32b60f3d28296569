"""Ways in which an HTTP API hands out a list in pages: the URL of each page, and which is the last.

A list has ended when something says so: its total, an empty page, `has_more: false`, a cursor that is
null, or a page that names no next one although an earlier page did. A page with few records has not:
a server may cap its pages below the size that was asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol

from ingestion.sources._api_keys import ApiSource
from ingestion.sources._next_pages import Cursors, Links
from ingestion.sources._page import Contradiction, Page, sized, with_query


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


class Counted(ABC):
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

    @abstractmethod
    def _place(self, number: int, received: int) -> int:
        """What the parameter says of a page, before which `received` records came."""

    def _at(self, place: int) -> str:
        return with_query(
            self._url, {self._source.page_param: place, **sized(self._source, self._size)}
        )


class PageNumbers(Counted):
    """page=1, page=2, ..."""

    def _place(self, number: int, received: int) -> int:
        return number


class Offsets(Counted):
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


PAGINGS: Mapping[str, Callable[[ApiSource, str], Paging]] = {
    "page": PageNumbers,
    "offset": Offsets,
    "cursor": Cursors,
    "link": Links,
    "none": SinglePage,
}
"""What a shop file may call a way of paging."""
