"""Bulk writes of feature rows into Redis: encoded column by column, sent in large pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import redis

from recomart.online_layout import ViewLayout, encode_column, encode_time
from recomart.resp import bulk, exchange

if TYPE_CHECKING:
    import pyarrow as pa

SCAN_COUNT = 5_000


def write_rows(
    client: redis.Redis, layout: ViewLayout, rows: pa.Table, event_timestamp: str
) -> int:
    """Write one row per entity, over what is there, and return how many.

    Args:
        rows: the view's join keys (no nulls), features, and the event timestamp, none null.
    """
    import pyarrow as pa

    entities = list(zip(*(rows[name].to_pylist() for name in layout.join_keys), strict=True))
    parts = 4 + 2 * len(layout.features)
    head = b"*%d\r\n$4\r\nHSET\r\n" % parts
    starts = [head + bulk(key) for key in layout.keys(entities)]
    times = rows[event_timestamp].cast(pa.timestamp("us")).cast(pa.int64()).dictionary_encode()
    if isinstance(times, pa.ChunkedArray):
        times = times.combine_chunks()
    stamps = [encode_time(us) for us in times.dictionary.to_pylist()]
    columns = [_cells(layout.time_field, stamps, times.indices.to_pylist())]
    for (name, kind), field in zip(layout.features, layout.fields, strict=True):
        columns.append(_cells(field, *encode_column(rows[name], kind)))
    return len(exchange(client, map(b"".join, zip(starts, *columns, strict=True))))


def delete_rows(client: redis.Redis, layout: ViewLayout, keys: Sequence[bytes]) -> int:
    """Remove a view's fields from entities, and return how many had any.

    An entity without a field of another view is gone whole.
    """
    head = b"*%d\r\n$4\r\nHDEL\r\n" % (3 + len(layout.fields))
    fields = b"".join(map(bulk, (layout.time_field, *layout.fields)))
    return sum(
        removed > 0 for removed in exchange(client, (head + bulk(key) + fields for key in keys))
    )


def stored_keys(client: redis.Redis, layout: ViewLayout) -> Iterator[bytes]:
    """The keys of every entity of the view's kind in the project (a scan of the whole database)."""
    pattern = _glob_escape(layout.key_prefix) + b"*" + _glob_escape(layout.project.encode())
    start = len(layout.key_prefix)
    for key in client.scan_iter(match=pattern, count=SCAN_COUNT):
        # a project whose name ends alike would match the pattern too: walk the values instead
        place = start
        for _ in layout.join_keys:
            place += 8 + int.from_bytes(key[place + 4 : place + 8], "little")
        if key[place:] == layout.project.encode():
            yield key


def _cells(field: bytes, distinct: list[bytes], places: list[int]) -> list[bytes]:
    name = bulk(field)
    framed = [name + bulk(value) for value in distinct]
    return [framed[place] for place in places]


def _glob_escape(text: bytes) -> bytes:
    out = bytearray()
    for byte in text:
        if byte in b"*?[]\\^-":
            out.append(ord("\\"))
        out.append(byte)
    return bytes(out)
