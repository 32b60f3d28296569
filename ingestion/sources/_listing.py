"""One reading of a list that comes in pages: its bodies, and whether it contradicts itself.

A list may change while it is read. With pages by number, a record that is deleted moves all that
follow, so that one of them is in no page; a record that is added is seen twice. What shows it: a total
that changes, a total that is not met, a record in two pages. A list without a total shows nothing of
a deletion, so it is read twice.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from ingestion.readers.json_values import ITEM, as_text, at_path, dumped
from ingestion.sources._answer import RepeatedPage
from ingestion.sources._api_keys import ApiSource
from ingestion.sources._page import Contradiction, Page
from recomart.shop.entities import KEYS

MEMORY_BYTES = 8 << 20
"""Bodies that add up to more wait in a temporary file."""
_MODULUS = 1 << 256


@dataclass(frozen=True)
class Doubt:
    """Why a reading has to be confirmed by another.

    Args:
        why: a sentence without its full stop.
        needs_other_pages: whether the other reading proves something only if its pages have
            another size.
        is_repeat: whether it is about a record on two pages.
    """

    why: str
    needs_other_pages: bool = False
    is_repeat: bool = False


@dataclass(frozen=True)
class Marks:
    """What identifies the items of a page, and the page.

    Args:
        keys: one for each item.
        contents: one for each item; empty where keys are enough.
        digest: of the page.
    """

    keys: list[bytes]
    contents: list[bytes]
    digest: bytes


class Listing:
    """The pages of one reading, in order."""

    def __init__(self, paths: tuple[tuple[str, ...], ...] | None, *, keep: bool = True) -> None:
        """
        Args:
            paths: of the values that identify an item. Empty: all of it does. None: nothing does,
                since the list may have an item twice.
            keep: whether the bodies are wanted; if not, the reading confirms another.
        """
        self._paths = paths
        self._bodies: IO[bytes] | None = (
            tempfile.SpooledTemporaryFile(MEMORY_BYTES) if keep else None  # noqa: SIM115 - see bodies
        )
        self._sizes: list[int] = []
        self._page_of: dict[bytes, int] = {}
        self._content_of: dict[bytes, bytes] = {}
        self._pages: dict[bytes, int] = {}
        self._checksum = 0
        self.received = 0
        self.longest = 0
        """Records of its largest page."""
        self.total: int | None = None
        self.doubts: list[Doubt] = []
        self.times: list[str | None] = []
        """When the items changed, as received."""
        self.began_at = datetime.now(UTC)

    @property
    def content(self) -> tuple[int, int]:
        """Equal for two readings of the same records, in whatever pages and order they came."""
        return self.received, self._checksum

    @property
    def is_complete(self) -> bool:
        """Whether as many records were received as there are."""
        return self.total is not None and self.received >= self.total

    def marks(self, page: Page, *, shifts: bool) -> Marks:
        """The marks of a page that is not an earlier one once more.

        Args:
            shifts: whether a change of the list moves its records from page to page. If so, a record
                is the same whatever became of it.

        Raises:
            RepeatedPage: it is an earlier one.
        """
        keys = [self._key(item) for item in page.items]
        contents = [] if shifts else [_hash(dumped(item)) for item in page.items]
        marks = Marks(keys, contents, hashlib.sha256(b"".join(contents or keys)).digest())
        before = self._pages.get(marks.digest) if page.items else None
        # two equal records are two equal pages of one
        if before is None or (self._bodies is None and len(page.items) == 1):
            return marks
        raise RepeatedPage(
            f"page {page.number} repeats the records of page {before}",
            help="check page_param and paging in the shop file; an API that answers with all "
            "records at once is declared by paging: none",
        )

    def add(self, page: Page, marks: Marks, body: bytes) -> None:
        """Add a page.

        Raises:
            Contradiction: its total is not that of the pages before, or less than what was received.
        """
        if self._bodies is not None:
            self._bodies.write(body)
            self._sizes.append(len(body))
        self._pages[marks.digest] = page.number
        self.received += len(page.items)
        self.longest = max(self.longest, len(page.items))
        self._check_total(page)
        for place, key in enumerate(marks.keys):
            self._checksum = (self._checksum + int.from_bytes(key, "big")) % _MODULUS
            before = self._page_of.setdefault(key, page.number)
            content = marks.contents[place] if marks.contents else None
            if before != page.number and self._content_of.get(key) == content:
                self._doubt_repeat(page.items[place], before, page.number)
            if content is not None:
                self._content_of[key] = content

    def end(self, page: Page) -> None:
        """Check that the last page was the last.

        Raises:
            Contradiction: there are fewer records than the total says.
        """
        if self.total is not None and self.received < self.total:
            raise Contradiction(
                f"page {page.number} says that there are {self.total:,} records, but the pages end "
                "before",
                page.url,
                f"{self.received:,} records, then "
                + ("no next page" if page.items else "an empty page"),
            )

    def bodies(self) -> Iterator[bytes]:
        """The bodies of the pages, as received."""
        assert self._bodies is not None, "only of a reading that keeps them"
        with self._bodies as handle:
            handle.seek(0)
            for size in self._sizes:
                yield handle.read(size)

    def _check_total(self, page: Page) -> None:
        if page.total is None:
            return
        what = f"page {page.number} says that there are {page.total:,} records"
        if self.total is not None and page.total != self.total:
            raise Contradiction(f"{what}, and page 1 said {self.total:,}", page.url)
        if self.received > page.total:
            found = f"{self.received:,} records so far"
            raise Contradiction(f"{what}, but sends more", page.url, found)
        self.total = page.total

    def _doubt_repeat(self, item: Any, before: int, number: int) -> None:
        """Note the first record that is in two pages."""
        if self._paths is not None and not self.doubts:
            values = (as_text(at_path(item, path)) for path in self._paths)
            which = ", ".join(filter(None, values)) or dumped(item)[:80]
            why = f"record {which} is on page {before} and on page {number}"
            self.doubts.append(Doubt(why, needs_other_pages=True, is_repeat=True))

    def _key(self, item: Any) -> bytes:
        """What identifies an item; all of it, where a part of its key is missing."""
        parts = [as_text(at_path(item, path)) for path in self._paths or ()]
        if not parts or None in parts:
            return _hash(dumped(item))
        return _hash("\x1f".join(map(str, parts)))


def key_paths(source: ApiSource, entity: str) -> tuple[tuple[str, ...], ...] | None:
    """The paths in an item of what identifies it: as declared, or as the entity's key is mapped.

    With `each`, the parts of the key that are the item's (`^.id`). Empty where a part is made from
    several columns; None for `item_key: []`.
    """
    if source.item_key is not None:
        return tuple(tuple(path.split(".")) for path in source.item_key) or None
    paths: list[tuple[str, ...]] = []
    for name in KEYS[entity]:
        column = source.columns.get(name)
        path = column.column if column is not None else None
        if source.each is None:
            if path is None:
                return ()
            paths.append(tuple(path.split(".")))
        elif path is not None and path.startswith(f"{ITEM}."):
            paths.append(tuple(path.split(".")[1:]))
    return tuple(paths)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
