"""Pages of an HTTP catalogue as landed: framed, so that each can be had back as received.

A frame is one line of JSON, `{"page": 1, "bytes": 5120}`, then that many bytes of body, then a line
end. Nothing in it changes from fetch to fetch but the bodies, so equal answers give equal files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from ingestion.json_values import JsonColumns, as_batch, at_path, dumped, parse
from ingestion.records import Tally
from recomart.errors import SourceError
from recomart.shop import ApiSource


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
        help="move it away and run 'recomart ingest' again: the catalogue is fetched anew",
    )


def items_of(page: Any, path: str) -> list[Any] | None:
    """The list of records in a parsed page, or None when there is no list at `path`."""
    found = page if path in ("", ".") else at_path(page, tuple(path.split(".")))
    return found if isinstance(found, list) else None


def batches(
    landed: Path, source: ApiSource, columns: JsonColumns, tally: Tally
) -> Iterator[pa.RecordBatch]:
    """The items of a landed file as records, a batch per page. Each item counts as a line."""
    for body in bodies(landed):
        first, rows = tally.records + 1, []
        for item in items_of(parse(body), source.items) or []:
            tally.lines += 1
            if isinstance(item, dict):
                tally.records += 1
                rows.append(columns.row(item, tally.records))
            else:
                tally.reject(tally.lines, 0, "an item that is no object", dumped(item).encode())
        yield as_batch(rows, first, columns.paths)
