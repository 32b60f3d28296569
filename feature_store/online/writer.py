"""Bulk writes of feature rows into Redis: encoded column by column, sent in large pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import redis

from feature_store.online.columns import join_cells, key_cells, time_cells, value_cells
from feature_store.online.layout import ViewLayout
from feature_store.online.resp import PIECE_COMMANDS, bulk, exchange, exchange_pieces

SCAN_COUNT = 5_000


def write_rows(
    client: redis.Redis, layout: ViewLayout, rows: pa.Table, event_timestamp: str
) -> int:
    """Write one row per entity, over what is there, and return how many.

    Args:
        rows: the view's join keys (no nulls), features, and the event timestamp, none null.
    """
    exchange_pieces(client, table_pieces(layout, rows, event_timestamp))
    return int(rows.num_rows)


def table_pieces(
    layout: ViewLayout, rows: pa.Table, event_timestamp: str
) -> Iterator[tuple[memoryview, int]]:
    """The commands that write a table, in pieces with their counts; arguments as in write_rows."""
    cells = {name: value_cells(rows[name], kind) for name, kind in layout.features}
    keys = key_cells(layout, {name: rows[name] for name in layout.join_keys})
    return row_pieces(layout, keys, time_cells(rows[event_timestamp]), cells)


def row_pieces(
    layout: ViewLayout,
    keys: pa.Array,
    times: pa.Array,
    cells: dict[str, pa.Array],
    ttl_seconds: int | None = None,
) -> Iterator[tuple[memoryview, int]]:
    """The commands that write encoded rows (`feature_store/online/columns.py`).

    Args:
        cells: of the features, by name.
        ttl_seconds: after which an entity expires, all its views with it; None is never.
    """
    parts: list[pa.Array | pa.Scalar] = [
        _same(b"*%d\r\n$4\r\nHSET\r\n" % (4 + 2 * len(layout.features))),
        keys,
        _same(bulk(layout.time_field)),
        times,
    ]
    for (name, _), field in zip(layout.features, layout.fields, strict=True):
        parts += [_same(bulk(field)), cells[name]]
    if ttl_seconds:
        parts += [
            _same(b"*3\r\n$6\r\nEXPIRE\r\n"),
            keys,
            _same(bulk(b"%d" % ttl_seconds)),
        ]
    return _pieces(join_cells(parts), 2 if ttl_seconds else 1)


def delete_rows(client: redis.Redis, layout: ViewLayout, keys: Sequence[bytes]) -> int:
    """Remove a view's fields from entities, and return how many had any.

    An entity without a field of another view is removed as a whole.
    """
    head = b"*%d\r\n$4\r\nHDEL\r\n" % (3 + len(layout.fields))
    fields = b"".join(map(bulk, (layout.time_field, *layout.fields)))
    return sum(
        removed > 0 for removed in exchange(client, (head + bulk(key) + fields for key in keys))
    )


def has_rows(client: redis.Redis, layout: ViewLayout, entities: pa.Table) -> list[int]:
    """(n) whether each entity has a row of the view, 0 or 1.

    Args:
        entities: (n) the view's join keys, none null.
    """
    keys = key_cells(layout, {name: entities[name] for name in layout.join_keys})
    asked = join_cells([_same(b"*3\r\n$7\r\nHEXISTS\r\n"), keys, _same(bulk(layout.time_field))])
    return exchange_pieces(client, _pieces(asked, 1))


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


def _pieces(rows: pa.Array, commands_each: int) -> Iterator[tuple[memoryview, int]]:
    """The rows' bytes, which lie one after the other, some thousand at a time."""
    _, offsets, data = rows.buffers()
    starts = memoryview(offsets).cast("i")[rows.offset : rows.offset + len(rows) + 1]
    content = memoryview(data)
    for first in range(0, len(rows), PIECE_COMMANDS):
        last = min(first + PIECE_COMMANDS, len(rows))
        yield content[starts[first] : starts[last]], commands_each * (last - first)


def _same(value: bytes) -> pa.Scalar:
    return pa.scalar(value, pa.binary())


def _glob_escape(text: bytes) -> bytes:
    out = bytearray()
    for byte in text:
        if byte in b"*?[]\\^-":
            out.append(ord("\\"))
        out.append(byte)
    return bytes(out)
