"""Files on their way in: each new one landed, and held against its declaration."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from ingestion import headers, ledger
from ingestion.batch import Landed, Target
from ingestion.batches import Batches
from ingestion.failures import FAILURES, explained
from ingestion.sources.files import SourceFile
from ingestion.summary import IngestSummary
from recomart.files import sha256_of
from recomart.shop.model import FileSource
from recomart.step import Progress


class Receiving:
    """Lands what is new among files. What cannot be taken goes into ledger and summary."""

    def __init__(self, batches: Batches, summary: IngestSummary, progress: Progress) -> None:
        self._batches = batches
        self._summary = summary
        self._progress = progress

    def received(
        self,
        connection: duckdb.DuckDBPyConnection,
        target: Target,
        source: FileSource,
        files: Sequence[SourceFile],
    ) -> Iterator[Landed]:
        """The files that are not loaded, landed; but those whose header does not fit, and say so."""
        sizes = [_size(file.path) for file in files]
        done, total = 0, sum(sizes)
        for file, size in zip(files, sizes, strict=True):
            self._progress(f"ingest {target.entity}", done, total)
            done += size
            landed = self._land(connection, target, file)
            if landed is None:
                continue
            try:
                headers.CHECKS[source.format](
                    file.path, file.shown, source, target.shop, target.entity
                )
            except FAILURES as exc:
                self._batches.refuse(connection, landed, exc)
            else:
                yield landed
        self._progress(f"ingest {target.entity}", total, total)

    def _land(
        self, connection: duckdb.DuckDBPyConnection, target: Target, file: SourceFile
    ) -> Landed | None:
        """The file as a batch to load, which may be one that failed before with the same bytes.

        None when its bytes are loaded, failed in this ingest already, or cannot be read.
        """
        sha256 = self._known_hash(target.entity, file.path)
        if (target.entity, sha256) in self._batches.loaded:
            self._batches.unchanged(target.entity, file.shown)
            return None
        old = self._batches.failed.of(target.entity, sha256)
        if old is not None:
            if (error := self._batches.failed.error(old)) is not None:
                self._summary.failures[file.shown] = error
                return None
            self._batches.loaded.add((target.entity, sha256))
            return Landed(*self._batches.again(old, target, file.shown))
        load = self._batches.new_load(target, "files", file.shown)
        name = f"{load.batch_id}.{file.ending}"
        started = time.perf_counter()
        try:
            landed = self._batches.zone.land_file(file.path, target.entity, name, load.day)
        except FAILURES as exc:
            ledger.write_loads(
                connection, [self._batches.failure(load, explained(file.shown, exc))]
            )
            return None
        self._summary.landing_seconds += time.perf_counter() - started
        self._batches.loaded.add((target.entity, landed.sha256))
        self._batches.sizes.add((target.entity, landed.size))
        return Landed(self._batches.with_file(load, landed), landed.path)

    def _known_hash(self, entity: str, path: Path) -> str | None:
        """The sha256 of a file; None when it cannot be read, or has a size that is new here."""
        try:
            return sha256_of(path) if (entity, path.stat().st_size) in self._batches.sizes else None
        except OSError:
            return None


def _size(path: Path) -> int:
    """The bytes of a file; 0 when it went away meanwhile, which its landing will tell."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
