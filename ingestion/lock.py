"""One ingest at a time in a lake: two would take each other's files for leftovers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from recomart.errors import WarehouseLocked
from recomart.settings import Settings


@contextmanager
def only_ingest(settings: Settings) -> Iterator[None]:
    """Hold the lake's ingest lock. It goes with the process, however that ends.

    Raises:
        WarehouseLocked: another ingest runs; names its PID.
    """
    settings.run_files.mkdir(parents=True, exist_ok=True)
    path = settings.run_files / "ingest.lock"
    with open(path, "a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            handle.seek(0)
            pid = handle.read().strip() or "unknown"
            raise WarehouseLocked(
                f"another ingest is at work on this lake, PID {pid}",
                where=str(path),
                help=f"wait until it ends, or run 'kill {pid}'; then run the same command again",
            ) from exc
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
