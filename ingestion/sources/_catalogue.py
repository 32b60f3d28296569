"""Fetching a list from an HTTP API page by page. Every page is validated, and so is their sum."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from ingestion.declaration import Declaration
from ingestion.sources import Memory
from ingestion.sources._answer import Answer, RepeatedPage, Transient
from ingestion.sources._api_keys import ApiSource
from ingestion.sources._credentials import MISSING, credentials_of
from ingestion.sources._http_client import REFUSED, SHOWN, HttpClient, Limits, attempts
from ingestion.sources._listing import Doubt, Listing, Marks, key_paths
from ingestion.sources._page import Contradiction, Page, page_of
from ingestion.sources._paging import PAGINGS, Paging
from ingestion.sources._position import Position
from recomart.errors import CatalogueError, SourceError
from recomart.settings import MOCK_API, MOCK_API_PORT

log = logging.getLogger(__name__)

MOCK_API_URL = f"http://127.0.0.1:{MOCK_API_PORT}"
MAX_PAGES = 100_000
READINGS = 4
"""How often a list is read that contradicts itself, before that is an error."""


class Catalogue:
    """One fetch of one list.

    `etag` is set once all pages are there, if all is one page: an unchanged first page
    says nothing about the others. `position` then is how far the list was read.
    """

    def __init__(self, declared: Declaration[ApiSource], memory: Memory) -> None:
        self._declared, self._entity = declared, declared.entity
        self._source = source = declared.source
        self._versions = memory.versions
        self._key_paths = key_paths(source, declared.entity)
        self.name = f"the API of {declared.entity}"
        self.base = source.api.replace(MOCK_API, declared.settings.mock_api_url or MOCK_API_URL)
        self.position = Position(source, memory.position)
        self.etag: str | None = None
        self.url = self._paging().first(source.page_size)

    @property
    def shown(self) -> str:
        """The list's name in the ledger: as declared, and since when."""
        if self.position.since is None:
            return self._source.api
        mark = "&" if "?" in self._source.api else "?"
        return f"{self._source.api}{mark}{self._source.updated_since_param}={self.position.since}"

    def bodies(self) -> Iterator[bytes]:
        """The bodies of all pages, as received; none when nothing changed since last time.

        Raises:
            CatalogueError: the API is down, refuses, or contradicts itself about its pages.
        """
        listing = self._settled()
        if listing is not None:
            yield from listing.bodies()

    def first_page(self) -> bytes:
        """The body of the first page, asked for once: to see whether the API answers.

        Raises:
            CatalogueError: the API is down or refuses, its key is not set, or its page is
                not what it should be.
        """
        try:
            client = self._client()
            answer = client.ask_once(self.url, "page 1")
            page = page_of(answer, 1, self._source, client.start_of)
            self._paging().next(page, len(page.items))
        except (Transient, Contradiction) as exc:
            raise CatalogueError(
                f"{self.name} does not answer as it should",
                code="catalogue-down",
                where=self._declared.where("api"),
                found=str(exc),
                help=exc.help
                or "see whether the API is up, and whether items and total name what its pages have",
            ) from exc
        except SourceError as exc:
            exc.where = exc.where if exc.code == MISSING else self._declared.where("api")
            raise
        return answer.body or b""

    def _settled(self) -> Listing | None:
        """A reading that agrees with itself; None when nothing changed since last time.

        Raises:
            CatalogueError: none of several does.
        """
        try:
            for attempt in attempts(Contradiction, READINGS):
                with attempt:
                    listing = self._agreed()
                    if listing is not None:
                        self.position.advance(listing.times, listing.began_at, self._entity)
                    return listing
        except Contradiction as exc:
            hide = credentials_of(self._declared).hide
            raise CatalogueError(
                f"{self.name} contradicts itself about its pages: {hide(exc.message)}",
                code="catalogue-lies",
                where=hide(exc.url),
                found=exc.found and hide(exc.found)[:SHOWN],
                help=exc.help
                or f"nothing of this fetch is loaded, the last of {READINGS}. Ask for a fixed order in "
                "the URL of api, by id with the newest first say; or check items, total, paging and "
                "page_size in the shop file",
            ) from exc
        raise AssertionError("stamina returns or raises")

    def _agreed(self) -> Listing | None:
        """One reading, and a second one in other pages where the first leaves doubts.

        Raises:
            Contradiction: the two differ, or the doubt remains.
        """
        asked = self._source.page_size
        first = self._read(asked)
        if first is None or not first.doubts:
            return first
        if first.longest < asked:
            log.info("%s: pages of %d records, asked for %d", self.shown, first.longest, asked)
        second = self._read(max(1, first.longest - 1), confirms=True)
        assert second is not None, "it is asked for without a tag"
        if second.content != first.content:
            raise Contradiction(
                "two readings in a row do not have the same records",
                self.url,
                f"{first.received:,} records in pages of up to {first.longest:,}, then "
                f"{second.received:,} in pages of up to {second.longest:,}",
            )
        for doubt in first.doubts:
            if doubt.needs_other_pages and first.longest == second.longest:
                raise Contradiction(doubt.why, self.url, help=self._way_out(doubt))
        return first

    def _way_out(self, doubt: Doubt) -> str:
        if doubt.is_repeat:
            return (
                "ask for a fixed order in the URL of api, by id say; if the API lists a record "
                "several times on purpose, write item_key: []"
            )
        return (
            "declare what shows the end: total, more, cursor or next; if all pages but the last have "
            "the same size, which no parameter changes, write size_param: null and page_size: <that>"
        )

    def _read(self, size: int, *, confirms: bool = False) -> Listing | None:
        """One reading; None when the first page is the one of last time.

        Raises:
            CatalogueError: the API is down, refuses, or has no end.
            Contradiction: its pages do not fit together.
        """
        client = self._client()
        paging, listing = self._paging(), Listing(self._key_paths, keep=not confirms)
        url, page = paging.first(size), None
        for number in range(1, MAX_PAGES + 1):
            what = f"page {number}"
            known = self._versions.get(self.url) if number == 1 and not confirms else None

            def check(answer: Answer, number: int = number) -> tuple[Page, Marks]:
                read = page_of(answer, number, self._source, client.start_of)
                return read, listing.marks(read, shifts=paging.shifts(read))

            beyond = page is not None and paging.runs_past_the_end and listing.total is None
            try:
                answer, checked = client.get(
                    url, what, check=check, etag=known, may_be_absent=beyond
                )
            except CatalogueError as exc:
                repeats = isinstance(exc.__cause__, RepeatedPage)
                if page is None or not (exc.code == REFUSED or repeats):
                    raise
                # the list may have changed; a cursor may expire, or be that of a record that is gone
                raise Contradiction(exc.message, url, exc.found, exc.help) from exc
            if not confirms:
                self.etag = answer.etag if number == 1 else None
            if checked is None or answer.body is None:
                if known and answer.status == 304:
                    return None
                if answer.status != 304:
                    return self._ended(listing, paging, page) if page is not None else listing
                raise Contradiction(f"{what} answers 304, though no tag was sent", url)
            page, marks = checked
            listing.add(page, marks, answer.body)
            listing.times += self.position.times_of(page.items)
            listing.began_at = min(listing.began_at, answer.sent_at or listing.began_at)
            if listing.is_complete and not paging.names_next(page):
                return listing
            following = paging.next(page, listing.received)
            if following is None:
                return self._ended(listing, paging, page)
            client.check_link(following, url)
            url = following
        raise CatalogueError(
            f"{self.name} has more than {MAX_PAGES:,} pages",
            code="catalogue-lies",
            where=self.base,
            help="raise page_size, or inform the API's owner",
        )

    def _ended(self, listing: Listing, paging: Paging, page: Page) -> Listing:
        """A listing without a next page, with the doubt that leaves.

        Raises:
            Contradiction: there are fewer records than the total says.
        """
        listing.end(page)
        if listing.total is None and listing.received > 1:
            if paging.shifts(page):
                listing.doubts.append(Doubt("nothing says how many records there are"))
            elif not paging.shows_end(page):
                why = "page 1 names no next page, and nothing says that it is the last"
                listing.doubts.append(Doubt(why, needs_other_pages=True))
        return listing

    def _paging(self) -> Paging:
        """A new walk through the pages."""
        source, url = self._source, self.base
        if source.updated_since_param and self.position.since is not None:
            since = urlencode({source.updated_since_param: self.position.since})
            url = f"{url}{'&' if '?' in url else '?'}{since}"
        return PAGINGS[source.paging](source, url)

    def _client(self) -> HttpClient:
        return HttpClient(self._limits(), credentials_of(self._declared), self.name)

    def _limits(self) -> Limits:
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CatalogueError(
                f"{self._source.api} is not an http(s) URL",
                where=self._declared.where("api"),
                found=self.base,
                help="write it as https://host/path",
            )
        return Limits(
            frozenset({parts.netloc, *self._source.allow_hosts}),
            self._source.timeout_seconds,
            self._source.max_bytes,
        )
