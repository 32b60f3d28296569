"""Pages of an HTTP catalogue as landed: framed, so that each can be had back as received."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ingestion.json_lines import JsonColumns
from ingestion.records import Tally
from recomart.shop import ApiSource


def batches(
    landed: Path, source: ApiSource, columns: JsonColumns, tally: Tally
) -> Iterator[pa.RecordBatch]:
    yield from ()
