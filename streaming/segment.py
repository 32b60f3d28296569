"""A segment: a file of JSON lines to which one consumer appends until it is sealed.

An open segment is named `<name>.jsonl.open`. Its owner locks it, and the operating system releases
the lock when the process ends for any reason. A sealed segment is named `<name>.jsonl.gz`: it
appears in one step and never changes.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from feature_store.realtime.streams import SEALED
from recomart.errors import StreamFailed
from recomart.files import fsync_folder
from recomart.locks import lock, try_lock

OPEN = ".jsonl.open"
_LEVEL = 1
"""gzip's level: 1 shrinks to a fifth in a tenth of a second; higher levels take far longer."""


class Segment:
    """An open segment and its lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._file = descriptor
        self.size = os.fstat(descriptor).st_size

    @classmethod
    def create(cls, folder: Path, name: str) -> Segment:
        """A new segment, which survives a power cut from now on.

        Raises:
            OSError: it cannot be created.
        """
        _make_folder(folder)
        path = folder / (name + OPEN)
        while (segment := cls._locked(path, os.O_CREAT, lock)) is None:
            pass  # before we locked it, another consumer took it for one that a dead consumer left
        fsync_folder(folder)
        return segment

    @classmethod
    def orphaned(cls, path: Path) -> Segment | None:
        """An open segment whose owner is dead, without its torn tail; None if the owner is alive.

        Raises:
            OSError: it cannot be read or truncated; it is unchanged.
        """
        segment = cls._locked(path, 0, try_lock)
        if segment is not None:
            try:
                segment.truncate(_whole_lines(path.read_bytes()))
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
            OSError: only a part could be written; `truncate` to the previous size.
        """
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self.size += len(lines)

    def sync(self) -> None:
        """Make all written lines survive a power cut."""
        os.fsync(self._file)

    def truncate(self, size: int) -> None:
        """Remove everything after the first `size` bytes."""
        os.ftruncate(self._file, size)
        os.fsync(self._file)
        self.size = size

    def seal(self) -> Path | None:
        """Write the compressed copy and remove the open file.

        The open file is removed last. A crash before that leaves both files, and `is_sealed` then
        returns true.

        Returns:
            The path of the compressed copy; None if the segment was empty.

        Raises:
            OSError: there is no space for the copy, and the segment is still open; or the open
                file cannot be removed, and `is_sealed` returns true.
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

    def is_sealed(self) -> bool:
        """Whether the compressed copy exists already, because a crash interrupted `seal`."""
        return _sealed_path(self.path).exists()

    def discard(self) -> None:
        """Remove the open file and release the lock."""
        self.path.unlink()
        self.release()

    def release(self) -> None:
        """Release the lock and keep the open file for the next consumer to recover."""
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
    """The size without a torn tail: a line without an end or (after a power cut) without valid JSON."""
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
    """The whole lines of a segment, open or sealed, even if it is sealed while it is read.

    Raises:
        StreamFailed: a sealed segment is not a whole gzip file.
    """
    sealed = path.name.endswith(SEALED)
    try:
        with (gzip.open if sealed else open)(path, "rb") as lines:
            yield from (line for line in lines if line.endswith(b"\n"))
    except FileNotFoundError:
        if sealed:
            raise
        yield from read_lines(_sealed_path(path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise StreamFailed(
            f"the segment {path.name} is damaged",
            code="segment-damaged",
            where=str(path),
            found=str(exc),
            help="put it back from a copy of the lake, or move it away; then run the same command "
            "again",
        ) from exc
