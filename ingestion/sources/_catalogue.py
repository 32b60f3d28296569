"""Fetching an HTTP catalogue page by page. Every page is validated."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ingestion.declaration import Declaration
from ingestion.readers.json_values import Number, at_path, dumped, parse
from ingestion.readers.pages import items_of
from ingestion.sources import Memory
from ingestion.sources._api_keys import ApiSource
from ingestion.sources._http_client import HttpClient, Limits, Transient
from recomart.errors import CatalogueError, SourceError
from recomart.settings import MOCK_API, MOCK_API_PORT

MOCK_API_URL = f"http://127.0.0.1:{MOCK_API_PORT}"
MAX_PAGES = 100_000
MISSING_KEY = "missing-api-key"


@dataclass(frozen=True)
class _Page:
    items: list[Any]
    total: int | None
    digest: str


class Catalogue:
    """One fetch of one HTTP catalogue.

    `etag` is set once all pages are there, if all is one page: an unchanged first page
    says nothing about the others.
    """

    def __init__(self, declared: Declaration[ApiSource], memory: Memory) -> None:
        self._declared, self._entity = declared, declared.entity
        self._source = source = declared.source
        self._versions = memory.versions
        self.base = source.api.replace(MOCK_API, declared.settings.mock_api_url or MOCK_API_URL)
        self.since = memory.newest_change if source.updated_since_param else None
        self.etag: str | None = None
        self.url = self._url(0, 0)

    @property
    def shown(self) -> str:
        """The catalogue's name in the ledger: as declared, and since when."""
        if self.since is None:
            return self._source.api
        return f"{self._source.api}?{self._source.updated_since_param}={self.since}"

    def bodies(self) -> Iterator[bytes]:
        """The bodies of all pages, as received; none when nothing changed since last time.

        Raises:
            CatalogueError: the catalogue is down, refuses, or contradicts itself about its pages.
        """
        client = HttpClient(self._limits(), self._key())
        seen: dict[str, int] = {}
        received = 0
        for number in range(MAX_PAGES):
            url = self._url(number, received)
            what = f"page {number + 1}"
            known = self._versions.get(self.url) if number == 0 else None

            def check(body: bytes, what: str = what) -> _Page:
                return self._checked(body, what, seen)

            answer, page = client.get(url, what, etag=known, check=check)
            self.etag = answer.etag if number == 0 else None
            if answer.body is None:
                if number == 0 and known:
                    return
                raise self._contradiction(f"{what} answers 304, though no tag was sent", url)
            received += len(page.items)
            self._check_total(page, received, what, url)
            if page.items:
                seen[page.digest] = number + 1
            yield answer.body
            if self._is_last(page, received):
                return
        raise self._contradiction(f"it has more than {MAX_PAGES:,} pages", self.base)

    def first_page(self) -> bytes:
        """The body of the first page, asked for once: to see whether the catalogue answers.

        Raises:
            CatalogueError: the catalogue is down or refuses, its key is not set, or its page is
                not what it should be.
        """
        try:
            body = HttpClient(self._limits(), self._key()).ask_once(self.url, "page 1")
            self._checked(body, "page 1", {})
        except Transient as exc:
            raise CatalogueError(
                f"the catalogue of {self._entity} does not answer as it should",
                code="catalogue-down",
                where=self._declared.where("api"),
                found=str(exc),
                help="see whether the API is up, and whether items and total name what its pages "
                "have",
            ) from exc
        except SourceError as exc:
            exc.where = exc.where if exc.code == MISSING_KEY else self._declared.where("api")
            raise
        return body

    def _is_last(self, page: _Page, received: int) -> bool:
        if page.total is not None:
            return received >= page.total
        return len(page.items) < self._source.page_size

    def _check_total(self, page: _Page, received: int, what: str, url: str) -> None:
        if page.total is None:
            return
        if received > page.total:
            raise self._contradiction(
                f"{what} says that there are {page.total:,} records, but sends more",
                url,
                f"{received:,} records so far",
            )
        if not page.items and received < page.total:
            raise self._contradiction(
                f"{what} says that there are {page.total:,} records, but the pages end before",
                url,
                f"{received:,} records, then an empty page",
            )

    def _checked(self, body: bytes, what: str, seen: dict[str, int]) -> _Page:
        """A page from its body.

        Raises:
            Transient: not JSON, no list of items, or the items of an earlier page once more.
        """
        try:
            page = parse(body)
        except (ValueError, RecursionError) as exc:
            raise Transient(f"{what} is not JSON ({exc}): {_start(body)}") from exc
        items = items_of(page, self._source.items)
        if items is None:
            raise Transient(f"{what} has no list at '{self._source.items}': {_start(body)}")
        digest = hashlib.sha256(dumped(items).encode("utf-8", "surrogatepass")).hexdigest()
        if digest in seen:
            raise Transient(f"{what} repeats the records of page {seen[digest]}")
        return _Page(items, self._total(page, what), digest)

    def _total(self, page: Any, what: str) -> int | None:
        path = self._source.total
        if path is None:
            return None
        total = at_path(page, tuple(path.split(".")))
        if isinstance(total, Number) and total.isdigit():
            return int(total)
        if total is None and "total" not in self._source.model_fields_set:
            return None
        raise Transient(f"{what} has no count of records at '{path}', but {total!r}")

    def _url(self, number: int, received: int) -> str:
        source = self._source
        query: dict[str, str | int] = {
            source.page_param: number + 1 if source.paging == "page" else received,
            source.size_param: source.page_size,
        }
        if source.updated_since_param and self.since is not None:
            query[source.updated_since_param] = self.since
        return f"{self.base}{'&' if '?' in self.base else '?'}{urlencode(query)}"

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

    def _key(self) -> dict[str, str]:
        key = self._source.api_key
        if key is None:
            return {}
        value = os.environ.get(key.env) if key.env else key.value
        if not value:
            raise CatalogueError(
                f"the API key of {self._entity} is not set",
                code=MISSING_KEY,
                where=self._declared.where("api_key"),
                found=f"${key.env} is unset or empty" if key.env else "neither env nor value",
                help=f"export {key.env}=<the key>" if key.env else "name the variable: env: NAME",
            )
        return {key.header: value}

    def _contradiction(self, message: str, url: str, found: str | None = None) -> CatalogueError:
        return CatalogueError(
            f"the catalogue of {self._entity} contradicts itself about its pages: {message}",
            code="catalogue-lies",
            where=url,
            found=found,
            help="nothing of this fetch is loaded; inform the API's owner, or check items, total, "
            "paging and page_size in the shop file",
        )


def _start(body: bytes) -> str:
    return repr(body[:120].decode("utf-8", "replace"))
