"""The products that the mock API hands out, read again when their file changed."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo_shop.mock_api.shape import Shape

Item = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of a catalogue and how much there is in all."""

    items: list[Item]
    total: int


class Products:
    """A catalogue file, a JSON list of products. Their order in the file is the order of pages."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self._path = path
        self._shape = shape
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._items: list[Item] = []
        self._updated: list[datetime | None] = []

    def page(self, begin: int, size: int, since: datetime | None = None) -> Page:
        """The `size` products from number `begin` (from 0) on, of those updated at or after `since`.

        A product whose time cannot be read is in every answer, so that no filter hides it.

        Raises:
            FileNotFoundError: there is no catalogue file (any more).
        """
        items, updated = self._read()
        if since is not None:
            items = [
                item
                for item, when in zip(items, updated, strict=True)
                if when is None or when >= since
            ]
        return Page(items[begin : begin + size], len(items))

    def find(self, product_id: str) -> Item | None:
        """The last record of a product, or None."""
        items, _ = self._read()
        path = self._shape.id_path
        same = (
            item for item in reversed(items) if str(self._shape.value(item, path)) == product_id
        )
        return next(same, None)

    def _read(self) -> tuple[list[Item], list[datetime | None]]:
        stat = self._path.stat()
        state = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if state != self._seen:
                self._items = json.loads(self._path.read_bytes())
                self._updated = [
                    parse_time(self._shape.value(item, self._shape.updated_path))
                    for item in self._items
                ]
                self._seen = state
            return self._items, self._updated


def parse_time(value: object) -> datetime | None:
    """An ISO time as an aware datetime (UTC where it says nothing), or None when it is none."""
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
