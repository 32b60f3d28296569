"""JSON lines to batches of records: one object a line."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ingestion.readers import json_objects
from ingestion.readers.json_objects import JsonObjects
from ingestion.readers.json_values import JsonColumns
from ingestion.readers.records import LineCounts


class JsonLinesReader:
    """Reads one file's text. A line that is not a JSON object is rejected; a blank one is counted."""

    def __init__(self, columns: JsonColumns, counts: LineCounts, each: str | None = None) -> None:
        self._objects = JsonObjects(columns, counts, each)
        self._offset = 0
        self._skipping = False

    def batches(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """Batches of `schema(paths)`, in the file's order."""
        rest = b""
        for piece in pieces:
            text = rest + (self._skip(piece) if self._skipping else piece)
            head, end, rest = text.rpartition(b"\n")
            if end:
                yield self._objects.batch(head.split(b"\n"), self._offset)
                self._offset += len(head) + 1
            if len(rest) > json_objects.RECORD_BYTES:
                self._objects.reject_long(rest, self._offset)
                self._offset += len(rest)
                self._skipping, rest = True, b""
        if rest:
            yield self._objects.batch([rest], self._offset)

    def _skip(self, piece: bytes) -> bytes:
        """Drop the rest of a line that is too long."""
        end = piece.find(b"\n") + 1
        self._skipping = end == 0
        self._offset += end or len(piece)
        return piece[end:] if end else b""
