"""How a catalogue API answers: what its pages hold, and how they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_shop.source_data import CATALOGUE
from ingestion.readers.json_values import at_path
from ingestion.shop_file import load_shop
from ingestion.sources.api import ApiSource
from recomart.settings import MOCK_API, Settings


@dataclass(frozen=True)
class Shape:
    """Names in requests and answers. The defaults are those of the demo shop's catalogue."""

    items: str = "items"
    total: str = "total"
    page_param: str = "page"
    size_param: str = "page_size"
    by_offset: bool = False
    """Whether page_param counts records from 0, or pages from 1."""
    since_param: str = "updated_since"
    id_path: str = "product_id"
    updated_path: str = "updated_at"

    @classmethod
    def of(cls, source: ApiSource) -> Shape:
        """The shape of the catalogue that a source declares."""
        columns = source.columns
        paths = {name: column.column for name, column in columns.items() if column.column}
        return cls(
            source.items,
            source.total or cls.total,
            source.page_param,
            source.size_param or cls.size_param,
            source.paging == "offset",
            source.updated_since_param or cls.since_param,
            paths.get("product_id", cls.id_path),
            paths.get("updated_at", cls.updated_path),
        )

    def value(self, item: Any, path: str) -> Any:
        """The value at a path a.b of an item; None where there is none."""
        return at_path(item, tuple(path.split(".")))

    def body(
        self, items: list[Any], *, total: int, first: int, size: int, more: str | None
    ) -> dict[str, Any]:
        """The body of a page that begins with record number `first`, from 0."""
        begin = first if self.by_offset else first // size + 1
        body: dict[str, Any] = {
            self.items: items,
            self.page_param: begin,
            self.size_param: size,
            self.total: total,
        }
        return body if self.by_offset else {**body, "next": more}


@dataclass(frozen=True)
class Served:
    """What a shop's mock catalogue serves, and in which shape; without a key, to everyone."""

    catalogue: Path
    shape: Shape
    needs_key: bool


def served_for(settings: Settings) -> Served:
    """What the shop's file declares of the catalogue at {mock_api}; else the demo shop's."""
    demo = Served(settings.source_data / CATALOGUE, Shape(), True)
    shop = load_shop(settings)
    for source in shop.shop.sources_of(ApiSource).values():
        if MOCK_API in source.api and source.mock_file:
            path = source.mock_file.replace("{lake}", str(settings.lake))
            path = path.replace("{data}", str(settings.data))
            return Served(
                shop.path.parent / Path(path).expanduser(),
                Shape.of(source),
                source.api_key is not None,
            )
    return demo
