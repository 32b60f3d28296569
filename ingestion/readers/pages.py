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

from ingestion.readers.json_values import JsonColumns, Number, as_batch, at_path, dumped, parse
from ingestion.readers.records import LineCounts
from recomart.errors import SourceError
from recomart.shop.sources import Source

ITEM, PLACE = "^", "#"
"""In a path of a nested list: the item that holds the list, and the element's place in it."""


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
        for record in _records(items_of(parse(body), written.items) or [], written, counts):
            counts.records += 1
            if ITEM in record:
                columns.saw([f"{ITEM}.{key}" for key in record[ITEM]], counts.records)
            rows.append(columns.row(record, counts.records))
        yield as_batch(rows, first, columns.paths)


def _records(items: list[Any], written: PageFormat, counts: LineCounts) -> Iterator[dict[str, Any]]:
    """The objects among the items, or among what they hold at `each`; the others are rejects."""
    path = tuple(written.each.split(".")) if written.each else ()
    for item in items:
        if not isinstance(item, dict):
            _reject(counts, "an item that is not an object", item)
            continue
        if not path:
            counts.lines += 1
            yield item
            continue
        elements = at_path(item, path)
        if elements is not None and not isinstance(elements, list):
            _reject(counts, f"no list at '{written.each}'", elements)
            continue
        for place, element in enumerate(elements or [], start=1):
            if isinstance(element, dict):
                counts.lines += 1
                yield {**element, ITEM: item, PLACE: Number(place)}
            else:
                _reject(counts, f"an element of '{written.each}' that is not an object", element)


def _reject(counts: LineCounts, reason: str, value: Any) -> None:
    counts.lines += 1
    counts.reject(counts.lines, 0, reason, dumped(value).encode())
