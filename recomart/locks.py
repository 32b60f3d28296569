"""Locks between processes, on files. A lock goes with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def lock(file: IO[str] | int) -> None:
    """Lock an open file (or descriptor) exclusively; waits until nobody else holds it."""
    fcntl.flock(file, fcntl.LOCK_EX)


def try_lock(file: IO[str] | int) -> bool:
    """Lock an open file (or descriptor) exclusively, unless somebody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class LockTaken(Exception):
    """Another process holds the lock.

    Args:
        pid: its process id, as it wrote it into the file; "unknown" if it did not.
    """

    def __init__(self, pid: str) -> None:
        super().__init__(pid)
        self.pid = pid


@contextmanager
def waiting_for(path: Path) -> Iterator[None]:
    """Hold the lock file `path` during the block; waits until it is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        lock(handle)
        yield


@contextmanager
def at_once(path: Path) -> Iterator[None]:
    """Hold the lock file `path` during the block, with this process's id in it.

    Raises:
        LockTaken: another process holds it; has that process's id.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as handle:
        if not try_lock(handle):
            handle.seek(0)
            raise LockTaken(handle.read().strip() or "unknown")
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
