"""The landing zone: what was received, byte for byte, before any of it is read.

`<lake>/raw/<source>/<entity>/ingest_date=YYYY-MM-DD/<batch_id>.<ext>`. A landed file appears in one
step (a hidden temporary file, fsync, rename, fsync of the folder). A load that was killed between
landing and commit leaves a landed file that no ledger row names: an orphan, which goes when the
same bytes land again. An orphan whose source is gone stays: it may be the only copy.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from recomart.errors import SourceMissing
from recomart.files import fsync_folder, sha256_of

log = logging.getLogger(__name__)

COPY_BYTES = 4 << 20
_BATCH = re.compile(r"^(\d{8,})\.")


@dataclass(frozen=True)
class LandedFile:
    """A landed file: where, and what its bytes are."""

    path: Path
    sha256: str
    size: int


class LandingZone:
    """The landing zone of one lake, for the sources that ingestion itself lands."""

    SOURCES = ("files", "api")

    def __init__(self, root: Path, named: Set[str], held: Set[tuple[str, str | None]]) -> None:
        """Clear what is left of interrupted loads: temporary files, and second copies.

        Args:
            root: `<lake>/raw`.
            named: the landed paths in the ledger, relative to the lake.
            held: entity and sha256 of all that is landed and in the ledger.
        """
        self._root = root
        self._orphans: dict[tuple[str, str], Path] = {}
        self.last_batch = 0
        for source in self.SOURCES:
            for path in sorted((root / source).glob("*/ingest_date=*/*")):
                if path.name.endswith(".tmp"):
                    path.unlink()
                elif match := _BATCH.match(path.name):
                    self.last_batch = max(self.last_batch, int(match[1]))
                    if self.relative(path) not in named:
                        self._note_orphan(path, held)

    def _note_orphan(self, path: Path, held: Set[tuple[str, str | None]]) -> None:
        known_by = (path.parent.parent.name, sha256_of(path))
        if known_by in held or known_by in self._orphans:
            path.unlink()
        else:
            self._orphans[known_by] = path

    def relative(self, path: Path) -> str:
        """A landed path as the ledger has it: from the lake."""
        return path.relative_to(self._root.parent).as_posix()

    def orphans(self) -> list[Path]:
        """Landed files that no batch of this run or an earlier one names."""
        return list(self._orphans.values())

    def discard(self, landed: LandedFile) -> None:
        """Remove a landed file that brings nothing new."""
        landed.path.unlink()

    def land_file(self, source: Path, entity: str, name: str, day: date) -> LandedFile:
        """Copy a file into the zone while hashing it: one read.

        Raises:
            SourceMissing: the file cannot be read.
            OSError: the copy cannot be written.
        """
        return self.land("files", entity, name, day, _chunks(source))

    def land(
        self,
        source: str,
        entity: str,
        name: str,
        day: date,
        chunks: Iterable[bytes],
    ) -> LandedFile:
        """Write bytes into the zone under `name` (`<batch_id>.<ext>`), durably and in one step."""
        folder = self._root / source / entity / f"ingest_date={day.isoformat()}"
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for parent in (folder.parent, folder.parent.parent, self._root, self._root.parent):
                fsync_folder(parent)
        temporary, target = folder / f".{name}.tmp", folder / name
        digest, size = hashlib.sha256(), 0
        try:
            with open(temporary, "wb") as handle:
                for chunk in chunks:
                    handle.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
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
            orphan.unlink()
        return LandedFile(target, digest.hexdigest(), size)


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with open(source, "rb", buffering=0) as handle:
            while chunk := handle.read(COPY_BYTES):
                yield chunk
    except OSError as exc:
        raise SourceMissing(
            f"{source.name} cannot be read",
            where=str(source),
            found=exc.strerror or str(exc),
            help="check its permissions, then run 'recomart ingest' again",
        ) from exc
