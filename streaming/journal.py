"""The segments to which a consumer writes its deliveries: one of events, one of dead letters."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from feature_store.realtime.streams import DEAD_LETTERS, EVENTS
from streaming.received import DeadLetter, Received
from streaming.records import dead_letter_line, event_line, received_of
from streaming.segment import OPEN, Segment, read_lines

log = logging.getLogger(__name__)

BATCH = 2_000
"""The number of events that are read from a segment at once."""


@dataclass(frozen=True)
class SegmentLimits:
    """An open segment is sealed at this size, or this many seconds after it was opened."""

    bytes: int = 8 << 20
    seconds: float = 60.0


class Journal:
    """The open segments of one consumer, below `<lake>/raw`."""

    def __init__(self, raw: Path, consumer: str, limits: SegmentLimits) -> None:
        run = f"{consumer}-{secrets.token_hex(4)}"
        self._events = _RollingSegment(raw / EVENTS, run, limits)
        self._dead_letters = _RollingSegment(raw / DEAD_LETTERS, run, limits)

    def append(self, events: Sequence[Received], letters: Sequence[DeadLetter]) -> None:
        """Write a micro-batch. It survives a power cut after this returns.

        Raises:
            OSError: it could not be written (a full disk); then none of it is in the segments.
        """
        parts = [
            (self._events, b"".join(map(event_line, events))),
            (self._dead_letters, b"".join(map(dead_letter_line, letters))),
        ]
        parts = [(target, lines) for target, lines in parts if lines]
        sizes = [(target, target.open()) for target, _ in parts]
        try:
            for target, lines in parts:
                target.segment.write(lines)
            for target, _ in parts:
                target.segment.sync()
        except OSError:
            for target, size in sizes:
                target.truncate(size)
            raise

    def seal_due(self) -> None:
        """Seal segments that are full or old. Without disk space they stay open and keep growing."""
        for target in (self._events, self._dead_letters):
            target.seal_due()

    def seal(self) -> None:
        """Seal the open segments. Without disk space they stay open for the next start."""
        for target in (self._events, self._dead_letters):
            target.seal()

    def release(self) -> None:
        """Leave the segments open, because the real-time state may lack some of their events."""
        for target in (self._events, self._dead_letters):
            target.release()


class _RollingSegment:
    """A sequence of segments of one kind, at most one of them open."""

    def __init__(self, root: Path, run: str, limits: SegmentLimits) -> None:
        self._root = root
        self._run = run
        self._limits = limits
        self._number = 0
        self._segment: Segment | None = None
        self._seal_at = 0.0

    @property
    def segment(self) -> Segment:
        assert self._segment is not None, "open() comes first"
        return self._segment

    def open(self) -> int:
        """Open a segment if none is open. Returns its size."""
        if self._segment is None:
            now = datetime.now(UTC)
            name = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}-{self._run}-{self._number:05d}"
            folder = self._root / f"ingest_date={now:%Y-%m-%d}"
            self._segment = Segment.create(folder, name)
            self._number += 1
            self._seal_at = time.monotonic() + self._limits.seconds
        return self._segment.size

    def truncate(self, size: int) -> None:
        """Remove a partly written batch. If even that fails, continue in a new segment."""
        try:
            self.segment.truncate(size)
        except OSError:
            self.release()  # the next start truncates it

    def seal_due(self) -> None:
        if self._segment is not None and (
            self._segment.size >= self._limits.bytes or time.monotonic() >= self._seal_at
        ):
            self.seal()

    def seal(self) -> None:
        if self._segment is None:
            return
        try:
            sealed = self._segment.seal()
        except OSError as exc:
            log.warning("%s stays open because it cannot be sealed: %s", self._segment.path, exc)
            if self._segment.is_sealed():
                self.release()  # the open file is a duplicate now; recover() removes it later
            self._seal_at = time.monotonic() + self._limits.seconds
        else:
            log.info("sealed %s", sealed)
            self._segment = None

    def release(self) -> None:
        if self._segment is not None:
            self._segment.release()
            self._segment = None


def recover(raw: Path) -> Iterator[list[Received]]:
    """Repair and seal the segments that dead consumers left open, and yield their events first.

    A consumer may have crashed between the fsync of a segment and the update of the real-time
    state, and a pipe does not redeliver. So the caller must write these events to the state; that
    changes nothing where they are written already. A segment that cannot be sealed for lack of
    disk space stays open until the next call.
    """
    for kind in (EVENTS, DEAD_LETTERS):
        for path in sorted((raw / kind).glob(f"ingest_date=*/*{OPEN}")):
            try:
                segment = Segment.orphaned(path)
                if segment is not None:
                    yield from _seal_orphan(segment, kind)
            except OSError as exc:
                log.warning("a dead consumer left %s open, and it cannot be sealed: %s", path, exc)


def _seal_orphan(segment: Segment, kind: str) -> Iterator[list[Received]]:
    try:
        if segment.is_sealed():
            segment.discard()
            return
        if kind == EVENTS:
            yield from batches(segment.path)
        log.info("sealing %s, which a dead consumer left open", segment.path)
        segment.seal()
    except (OSError, GeneratorExit):
        segment.release()  # any running consumer may recover it later
        raise


def batches(path: Path) -> Iterator[list[Received]]:
    """The events of a segment, in batches.

    A line that a power cut damaged (a page of zeros takes in the ends of two lines) is left out with a
    warning. Its bytes stay in the segment, where ingestion rejects and counts them; its event was
    never acknowledged, so a transport that redelivers delivers it again.
    """
    events = _events(path)
    while batch := list(islice(events, BATCH)):
        yield batch


def _events(path: Path) -> Iterator[Received]:
    for number, line in enumerate(read_lines(path), 1):
        try:
            yield received_of(line)
        except ValueError as exc:
            log.warning("%s, line %d is damaged and left out: %s", path, number, exc)
