"""HTTP APIs that answer in pages of JSON: a catalogue, orders, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.declaration import Declaration
from ingestion.sources import Discovery, Fingerprint, Found, Memory, SourceKind
from ingestion.sources._api_keys import ApiSource
from recomart.settings import MOCK_API

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader


class HttpCatalogues(SourceKind[ApiSource]):
    """One object per catalogue: all of its pages, or those with what changed since last time."""

    model = ApiSource
    place = "remote"

    def discover(self, declared: Declaration[ApiSource], memory: Memory) -> Discovery:
        from ingestion.sources._catalogue import Catalogue

        catalogue = Catalogue(declared, memory)
        found = Found(
            catalogue.shown,
            "pages",
            title=f"the catalogue of {declared.entity}",
            key=catalogue.url,
            partial=catalogue.since is not None,
            handle=catalogue,
        )
        return Discovery((found,))

    def fingerprint(self, declared: Declaration[ApiSource], found: Found) -> Fingerprint:
        """The tag of the answer, which is known when all pages were received."""
        return Fingerprint(version=found.handle.etag)

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
