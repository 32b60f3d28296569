"""A segment: a file of JSON lines that one consumer appends to, until it is sealed.

An open one is called `<name>.jsonl.open` and locked by its owner; the lock goes with the process,
however that ends. Sealed, it is `<name>.jsonl.gz`, which appears in one step and never changes.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from recomart.files import fsync_folder
from recomart.locks import lock, try_lock
from recomart.streams import SEALED

OPEN = ".jsonl.open"
_LEVEL = 1
"""Of gzip: a fifth of the bytes in a tenth of a second; a better level takes many times that."""


class Segment:
    """An open segment and its lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._file = descriptor
        self.size = os.fstat(descriptor).st_size

    @classmethod
    def create(cls, folder: Path, name: str) -> Segment:
        """A new segment, which outlasts a power cut from here on.

        Raises:
            OSError: it cannot be made.
        """
        _make_folder(folder)
        path = folder / (name + OPEN)
        while (segment := cls._locked(path, os.O_CREAT, lock)) is None:
            pass  # somebody took it for a dead consumer's in the moment before it was locked
        fsync_folder(folder)
        return segment

    @classmethod
    def orphaned(cls, path: Path) -> Segment | None:
        """An open segment whose owner is dead, its torn tail cut off; None when the owner lives.

        Raises:
            OSError: it cannot be read or cut; it is as it was.
        """
        segment = cls._locked(path, 0, try_lock)
        if segment is not None:
            try:
                segment.cut(_whole_lines(path.read_bytes()))
            except OSError:
                segment.release()
                raise
        return segment

    @classmethod
    def _locked(cls, path: Path, flags: int, take: Callable[[int], bool | None]) -> Segment | None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o644)
        except FileNotFoundError:
            return None
        try:
            taken = take(descriptor) is not False
            if taken and os.fstat(descriptor).st_ino == path.stat().st_ino:
                return cls(path, descriptor)
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def write(self, lines: bytes) -> None:
        """Append whole lines. They are durable after `sync`.

        Raises:
            OSError: not all of them could be written; `cut` back to the size before.
        """
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self.size += len(lines)

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        os.fsync(self._file)

    def cut(self, size: int) -> None:
        """Take back all after `size` bytes."""
        os.ftruncate(self._file, size)
        os.fsync(self._file)
        self.size = size

    def seal(self) -> Path | None:
        """Make it complete, compressed; its path now, None when it was empty and is gone.

        The open file goes last: a crash in between leaves it beside the sealed one, and
        `sealed_before` tells.

        Raises:
            OSError: no room for the compressed copy, and the segment is open as before; or the
                open file cannot be removed, and `sealed_before` tells.
        """
        sealed = None
        if self.size:
            sealed = _sealed_path(self.path)
            temporary = sealed.with_name(f".{sealed.name}.tmp")
            try:
                _compress(self.path, temporary)
            except OSError:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
            temporary.replace(sealed)
            fsync_folder(sealed.parent)
        self.discard()
        return sealed

    def sealed_before(self) -> bool:
        """Whether a crash came between its sealed copy and the end of this one."""
        return _sealed_path(self.path).exists()

    def discard(self) -> None:
        """Remove the open file, and let go of it."""
        self.path.unlink()
        self.release()

    def release(self) -> None:
        """Let go of it as it is, for the next start to find."""
        os.close(self._file)


def _sealed_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(OPEN) + SEALED)


def _compress(source: Path, target: Path) -> None:
    with open(source, "rb") as plain, open(target, "wb") as raw:
        with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)
        raw.flush()
        os.fsync(raw.fileno())


def _whole_lines(data: bytes) -> int:
    """The bytes before a torn tail: no end of line, or (after a power cut) no JSON."""
    size = data.rfind(b"\n") + 1
    while size:
        start = data.rfind(b"\n", 0, size - 1) + 1
        try:
            json.loads(data[start:size])
            break
        except ValueError:
            size = start
    return size


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        missing = [parent for parent in (folder, *folder.parents) if not parent.is_dir()]
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            fsync_folder(made.parent)


def read_lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a segment, open or sealed; also of one that is sealed meanwhile."""
    sealed = path.name.endswith(SEALED)
    try:
        with (gzip.open if sealed else open)(path, "rb") as lines:
            yield from (line for line in lines if line.endswith(b"\n"))
    except FileNotFoundError:
        if sealed:
            raise
        yield from read_lines(_sealed_path(path))
