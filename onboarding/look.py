"""The tables of a file, guessed from its bytes: its encoding, its format, then the format's own."""

from __future__ import annotations

import codecs
import re

from ingestion.readers import csv_records
from onboarding import sample
from onboarding.csv_layout import csv_table
from onboarding.json_layout import JsonText, json_tables
from onboarding.layout import Layout
from onboarding.sample import Raw, Rows


def look(raw: Raw) -> list[tuple[Layout, Rows]]:
    """The tables of a file, each with its layout and sampled records; none if it has no table.

    Raises:
        SourceError: a Parquet file that is broken.
    """
    if raw.chunks[0].startswith(b"PAR1"):
        rows = sample.parquet_rows(raw.path)
        return [(Layout("parquet", names=tuple(rows.table.column_names)), rows)]
    encoding, remarks = encoding_of(raw)
    chunks = sample.utf8(raw, encoding)
    if chunks[0].lstrip()[:1] in (b"{", b"["):
        return json_tables(JsonText(raw.path, chunks, encoding, raw.whole), remarks)
    return [csv_table(raw, encoding, chunks, remarks)]


def encoding_of(raw: Raw) -> tuple[str, tuple[str, ...]]:
    """The encoding that the bytes are in, and remarks on bytes that do not fit it."""
    first = raw.chunks[0]
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", ()
    head = first[:4096]
    if head.count(b"\0") > len(head) // 4:
        return ("utf-16-le" if head[1:2] == b"\0" else "utf-16-be"), ()
    body = b"".join(raw.chunks)
    if csv_records.is_utf8(body):
        return "utf-8", ()
    foreign = [line for line in body.split(b"\n") if not line.isascii()]
    broken = [line for line in foreign if not csv_records.is_utf8(line)]
    if 10 * len(broken) < len(foreign):
        lines = "line has" if len(broken) == 1 else "lines have"
        return "utf-8", (f"{len(broken):,} {lines} bytes that are not UTF-8, and will be rejected",)
    high = re.search(rb"[\x80-\x9f]", b"".join(broken))
    return ("cp1252" if high else "latin-1"), ()
