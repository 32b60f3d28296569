"""Atomic file operations: a reader sees the old content or the new, never a mixture."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CHUNK_BYTES = 1 << 20


def fsync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    fsync_file(folder)


def fsync_file(path: Path) -> None:
    """Make what another library has written to `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Replace the content of `path` atomically: temporary file, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def swap_link(link: Path, target: str) -> None:
    """Point the symbolic link `link` atomically to `target`, relative to the link's folder."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    fsync_folder(link.parent)


def sha256_of(path: Path) -> str:
    """The sha256 of a file as hex digits, without reading it into memory at once."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
