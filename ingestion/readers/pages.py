"""Pages of an HTTP catalogue as landed: framed, so that each can be read back as it was received.

A frame is one line of JSON, `{"page": 1, "bytes": 5120}`, then that many bytes of body, then a line
end. Nothing in it changes from fetch to fetch but the bodies, so equal answers give equal files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from ingestion.readers.json_lists import element_texts
from ingestion.readers.json_values import (
    JsonColumns,
    Misfit,
    RepeatedKey,
    as_batch,
    at_path,
    dumped,
    parse,
    parse_last,
    records_in,
)
from ingestion.readers.records import LineCounts
from recomart.errors import SourceError
from recomart.shop.sources import Source


@dataclass(frozen=True)
class PageFormat:
    """The keys of a source that the reader of pages asks for, with a default for each.

    Args:
        items: path to the list of records in a page.
        each: path in an item to a nested list, whose elements are the records.
    """

    items: str = "items"
    each: str | None = None

    @classmethod
    def of(cls, source: Source) -> PageFormat:
        """The keys as a source gives them; the default for each key that its kind does not have."""
        return cls(getattr(source, "items", cls.items), getattr(source, "each", cls.each))


def framed(bodies: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a landed file, from the bodies of its pages in order."""
    for number, body in enumerate(bodies, start=1):
        yield json.dumps({"page": number, "bytes": len(body)}).encode() + b"\n" + body + b"\n"


def bodies(landed: Path) -> Iterator[bytes]:
    """The bodies of a landed file's pages, as received.

    Raises:
        SourceError: the file is not what `framed` makes.
    """
    with open(landed, "rb") as handle:
        while head := handle.readline(200):
            yield _body(landed, head, handle)


def _body(landed: Path, head: bytes, handle: BinaryIO) -> bytes:
    try:
        size = int(json.loads(head)["bytes"])
    except (ValueError, KeyError, TypeError) as exc:
        raise _torn(landed) from exc
    body = handle.read(size)
    if len(body) != size or handle.read(1) != b"\n":
        raise _torn(landed)
    return body


def _torn(landed: Path) -> SourceError:
    return SourceError(
        f"{landed.name} is not a whole file of catalogue pages",
        code="torn-landing",
        where=str(landed),
        help="move it away and run 'recomart ingest' again: the catalogue is then fetched from scratch",
    )


def items_of(page: Any, path: str) -> list[Any] | None:
    """The list of records in a parsed page, or None when there is no list at `path`."""
    found = page if path in ("", ".") else at_path(page, tuple(path.split(".")))
    return found if isinstance(found, list) else None


def batches(
    landed: Path, written: PageFormat, columns: JsonColumns, counts: LineCounts
) -> Iterator[pa.RecordBatch]:
    """The records of a landed file, a batch per page. Each item counts as a line.

    With `each`, the elements of the nested lists are the records, and each of them counts as a
    line; an item without that list, or with an empty one, has no records.
    """
    for body in bodies(landed):
        first, rows = counts.records + 1, []
        for record in _records(_items(body, landed, written), written.each, counts):
            counts.records += 1
            columns.saw(record, counts.records)
            rows.append(columns.row(record))
        yield as_batch(rows, first, columns.paths)


def _items(body: bytes, landed: Path, written: PageFormat) -> Iterator[Any]:
    """The items of a page; for one that has a key twice, a Misfit."""
    try:
        yield from items_of(parse(body), written.items) or []
    except RepeatedKey:
        for text in element_texts(body, landed.name, written.items):
            try:
                yield parse(text)
            except RepeatedKey as exc:
                yield Misfit(str(exc), parse_last(text))


def _records(
    items: Iterable[Any], each: str | None, counts: LineCounts
) -> Iterator[dict[str, Any]]:
    """The objects among the items, or among what they hold at `each`; the others are rejects."""
    for item in items:
        if isinstance(item, dict):
            found = records_in(item, each)
        else:
            is_misfit = isinstance(item, Misfit)
            found = iter([item if is_misfit else Misfit("an item that is not an object", item)])
        for record in found:
            counts.lines += 1
            if isinstance(record, Misfit):
                counts.reject(counts.lines, 0, record.reason, dumped(record.value).encode())
            else:
                yield record
