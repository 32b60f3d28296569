"""HTTP APIs that answer in pages of JSON: a catalogue, orders, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.declaration import Declaration
from ingestion.sources import Discovery, Fingerprint, Found, Memory, SourceKind
from ingestion.sources._api_keys import ApiSource
from recomart.errors import ShopFileError
from recomart.settings import MOCK_API

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader


class HttpCatalogues(SourceKind[ApiSource]):
    """One object per list: all of its pages, or those with what changed since last time."""

    model = ApiSource
    place = "remote"

    def check(self, declared: Declaration[ApiSource]) -> None:
        """The URL has no credentials; and a list of changes has a time of change."""
        from ingestion.sources._credentials import check_url
        from ingestion.sources._position import changed_paths

        check_url(declared)
        source = declared.source
        if source.updated_since_param is not None and not changed_paths(source):
            raise ShopFileError(
                f"nothing says when a record of {declared.entity} changed last",
                code="no-time-of-change",
                where=declared.where("updated_since_param"),
                help="name the path of that time in an item: changed_at: PATH",
            )

    def discover(self, declared: Declaration[ApiSource], memory: Memory) -> Discovery:
        from ingestion.sources._catalogue import Catalogue

        catalogue = Catalogue(declared, memory)
        found = Found(
            catalogue.shown,
            "pages",
            title=catalogue.name,
            key=catalogue.url,
            partial=catalogue.position.since is not None,
            handle=catalogue,
        )
        return Discovery((found,))

    def fingerprint(self, declared: Declaration[ApiSource], found: Found) -> Fingerprint:
        """The tag of the answer, and how far the list was read: known when all pages were received."""
        return Fingerprint(version=found.handle.etag, position=found.handle.position.text)

    def open(self, declared: Declaration[ApiSource], found: Found) -> Iterator[bytes]:
        from ingestion.readers.pages import framed

        return framed(found.handle.bodies())

    def reader(self, source: ApiSource) -> Reader:
        from ingestion.readers.formats import Pages

        return Pages()

    def preview(self, declared: Declaration[ApiSource], found: Found, folder: Path) -> Path | None:
        """The first page, asked for once; None when it would come from a mock API that is down."""
        from ingestion.readers.pages import framed

        if MOCK_API in declared.source.api and declared.settings.mock_api_url is None:
            return None
        path = folder / f"{declared.entity}.pages"
        path.write_bytes(b"".join(framed([found.handle.first_page()])))
        return path


SOURCE = HttpCatalogues()
