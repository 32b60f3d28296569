"""The landing zone: what was received, byte for byte, before any of it is read.

`<lake>/raw/<source>/<entity>/ingest_date=YYYY-MM-DD/<batch_id>.<ext>`. A landed file appears in one
step (a hidden temporary file, fsync, rename, fsync of the folder). A load that was killed between
landing and commit leaves a landed file that no ledger row names: an orphan, which goes when the
same bytes land again. An orphan whose source is gone stays: it may be the only copy.

The names are the zone's own: nothing of a source file's name is in them. A temporary file's name begins
with a dot, so no landed file can have it, and it alone is taken for a leftover. What the ledger names
is never removed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from recomart.errors import ExtensionError
from recomart.files import fsync_folder, sha256_of

log = logging.getLogger(__name__)

_BATCH = re.compile(r"(\d{8,})\.")
_LANDED = re.compile(_BATCH.pattern + r"[a-z0-9]+(\.gz)?")
_TEMPORARY = re.compile(r"\..*\.tmp", re.DOTALL)


@dataclass(frozen=True)
class LandedFile:
    """A landed file: where, and what its bytes are.

    Args:
        pieces: how many pieces its bytes came in; 0 means that the source had nothing to give.
    """

    path: Path
    sha256: str
    size: int
    pieces: int


class LandingZone:
    """The landing zone of one lake, for the sources that ingestion itself lands."""

    def __init__(
        self,
        root: Path,
        sources: Iterable[str],
        named: Set[str],
        kept: Set[tuple[str, str | None]],
    ) -> None:
        """Clear what is left of interrupted loads: temporary files, and second copies.

        Args:
            root: `<lake>/raw`.
            sources: the kinds of source that land here, each in a folder of its own.
            named: the landed paths in the ledger, relative to the lake.
            kept: entity and sha256 of all bytes that are landed and in the ledger.
        """
        self._root = root
        self._named = named
        self._orphans: dict[tuple[str, str], Path] = {}
        self.last_batch = 0
        for source in sources:
            for path in sorted((root / source).glob("*/ingest_date=*/*")):
                if _TEMPORARY.fullmatch(path.name):
                    self._remove(path)
                elif match := _BATCH.match(path.name):
                    self.last_batch = max(self.last_batch, int(match[1]))
                    if self.relative(path) not in named:
                        self._note_orphan(path, kept)

    def _note_orphan(self, path: Path, kept: Set[tuple[str, str | None]]) -> None:
        known_by = (path.parent.parent.name, sha256_of(path))
        if known_by in kept or known_by in self._orphans:
            self._remove(path)
        else:
            self._orphans[known_by] = path

    def relative(self, path: Path) -> str:
        """A landed path as the ledger has it: from the lake."""
        return path.relative_to(self._root.parent).as_posix()

    def warn_of_orphans(self) -> None:
        """Log the landed files that no batch of this ingest or an earlier one names."""
        for path in self._orphans.values():
            log.warning("landed file %s is in no batch, and its source is gone; it is kept", path)

    def discard(self, path: Path) -> None:
        """Remove a landed file of this ingest that brings nothing new."""
        self._remove(path)

    def _remove(self, path: Path) -> None:
        if self.relative(path) not in self._named:
            path.unlink()

    def land(
        self,
        source: str,
        entity: str,
        name: str,
        day: date,
        pieces: Iterable[bytes],
    ) -> LandedFile:
        """Write bytes into the zone under `name` (`<batch_id>.<ext>`), durably and in one step, and
        hash them on the way: they are read once.

        Raises:
            ExtensionError: no landed file may have this name.
            OSError: they cannot be written; and whatever `pieces` raises.
        """
        if not _LANDED.fullmatch(name):
            raise ExtensionError(
                f"a landed file cannot be called {name!r}",
                where=f"the kind of source '{source}'",
                help="`Found.ending` is of small letters and digits, and may end in .gz: csv, csv.gz",
            )
        folder = self._root / source / entity / f"ingest_date={day.isoformat()}"
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for parent in (folder.parent, folder.parent.parent, self._root, self._root.parent):
                fsync_folder(parent)
        temporary, target = folder / f".{name}.tmp", folder / name
        digest, size, count = hashlib.sha256(), 0, 0
        try:
            with open(temporary, "wb") as handle:
                for piece in pieces:
                    handle.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    count += 1
                handle.flush()
                os.fsync(handle.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        orphan = self._orphans.pop((entity, digest.hexdigest()), None)
        temporary.replace(target)
        fsync_folder(folder)
        if orphan is not None:
            log.info("landed file %s of an interrupted load is replaced by %s", orphan, target)
            self._remove(orphan)
        return LandedFile(target, digest.hexdigest(), size, count)
