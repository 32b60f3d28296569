"""How far a list was read: the newest time of change among its items, so that the next fetch asks for
what changed since.

A record may change while the list is read, after its page was sent. Another one that changed later, on
a later page, must not hide it: so times count only from well before the fetch began, and what changed
after them is fetched once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.readers.json_values import ITEM, as_text, at_path
from ingestion.sources._api_keys import ApiSource
from recomart.errors import CatalogueError

SETTLED = timedelta(minutes=5)
"""Before the beginning of a fetch; allows for clocks that differ, too."""
CHANGED_AT = "updated_at"


def changed_paths(source: ApiSource) -> tuple[tuple[str, ...], ...]:
    """The paths in an item of which the first that has a value is the time of its last change.

    Empty when the shop file names none.
    """
    if source.changed_at is not None:
        return (tuple(source.changed_at.split(".")),)
    column = source.columns.get(CHANGED_AT)
    if column is None:
        return ()
    reads = column.first_of or ((column.column,) if column.column else ())
    if source.each is not None:
        reads = tuple(
            path.removeprefix(f"{ITEM}.") for path in reads if path.startswith(f"{ITEM}.")
        )
    return tuple(tuple(path.split(".")) for path in reads)


class Position:
    """The position of one list, while it is read."""

    def __init__(self, source: ApiSource, remembered: str | None) -> None:
        """
        Args:
            remembered: what `text` gave after the fetch before.
        """
        self._source = source
        self._paths = changed_paths(source)
        self._asked = _fingerprint(source)
        known = json.loads(remembered) if remembered else {}
        self.since: str | None = known.get("newest") if known.get("asked") == self._asked else None
        """What to ask for, as the API wrote it; None for everything."""
        self._newest = self.since

    @property
    def text(self) -> str | None:
        """What to remember; None for a list without a time of change."""
        if self._source.updated_since_param is None or self._newest is None:
            return None
        return json.dumps({"asked": self._asked, "newest": self._newest})

    def times_of(self, items: Iterable[Any]) -> list[str | None]:
        """The times of change of some items, as received."""
        return [
            next(filter(None, (as_text(at_path(item, path)) for path in self._paths)), None)
            for item in items
        ]

    def advance(self, times: list[str | None], began_at: datetime, entity: str) -> None:
        """Move on, after a whole fetch.

        Args:
            times: of all items, as received.
            began_at: when the fetch began.

        Raises:
            CatalogueError: no item has a time of change that can be read.
        """
        import duckdb

        from recomart import casts

        if self._source.updated_since_param is None or not times:
            return
        time = casts.time("received", self._source.time_format, self._source.time_zone)
        with duckdb.connect() as connection:
            settled = (began_at.astimezone(UTC) - SETTLED).replace(tzinfo=None)
            row = connection.execute(
                "select count(changed), max_by(received, changed) filter (where changed <= ?) "
                f"from (select received, {time} as changed from (select unnest(?) as received))",
                [settled, list(dict.fromkeys(times))],
            ).fetchone()
        readable, newest = row or (0, None)
        if not readable:
            path = " or ".join(".".join(path) for path in self._paths)
            raise CatalogueError(
                f"no item of {entity} has a time of change at '{path}'",
                code="no-time-of-change",
                where=self._source.api,
                found=f"{next(filter(None, times), None)}, read as {self._source.time_format}",
                help="check changed_at and time_format in the shop file",
            )
        self._newest = newest or self._newest


def _fingerprint(source: ApiSource) -> str:
    """Of everything that decides which records the API is asked for: a position is one among them."""
    asked = [source.api, source.updated_since_param, source.items, changed_paths(source)]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
