"""Loads shops in a process of its own, whose memory can be told from that of the tests.

    python bad_files_child.py <small shop file> <shop file> ...

The small one loads first: what it takes (imports, DuckDB, contracts) any ingest takes.
Prints what each of the others took beyond it, as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

from ingestion.ingest import ingest
from recomart.errors import SourceError
from recomart.settings import load_settings


def peak() -> int:
    """The most bytes that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def load(shop_file: str) -> None:
    """Ingest a shop; the ledger has what failed."""
    lake = Path(shop_file).parent / "lake"
    with suppress(SourceError):
        ingest(load_settings(shop=shop_file, lake=lake, threads=2, memory_limit="400MB"))


def took(shop_file: str) -> dict[str, float]:
    """Load a shop: the peak so far beyond that of the small one, in bytes, and its seconds."""
    started = time.perf_counter()
    load(shop_file)
    return {"bytes": peak() - usual, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    small, *large = sys.argv[1:]
    load(small)
    usual = peak()
    sys.stdout.write(json.dumps([took(shop_file) for shop_file in large]))
