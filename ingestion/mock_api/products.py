"""The products that the mock API hands out, read again when their file changed."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Item = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of a catalogue and how much there is in all."""

    items: list[Item]
    total: int


class Products:
    """A catalogue file, a JSON list of products. Their order in the file is the order of pages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._items: list[Item] = []
        self._updated: list[datetime | None] = []

    def page(self, page: int, size: int, since: datetime | None = None) -> Page:
        """Page number `page` (from 1) of the products updated at or after `since`.

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
        begin = (page - 1) * size
        return Page(items[begin : begin + size], len(items))

    def find(self, product_id: str) -> Item | None:
        """The last record of a product, or None."""
        items, _ = self._read()
        return next((i for i in reversed(items) if i.get("product_id") == product_id), None)

    def _read(self) -> tuple[list[Item], list[datetime | None]]:
        stat = self._path.stat()
        state = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if state != self._seen:
                self._items = json.loads(self._path.read_bytes())
                self._updated = [parse_time(item.get("updated_at")) for item in self._items]
                self._seen = state
            return self._items, self._updated


def parse_time(value: object) -> datetime | None:
    """An ISO time as an aware datetime (UTC where it says nothing), or None when it is none."""
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
