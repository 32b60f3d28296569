"""What a consumer keeps of its deliveries: a segment of events and one of dead letters."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from recomart.streams import DEAD_LETTERS, EVENTS
from streaming.received import DeadLetter, Received
from streaming.records import dead_letter_line, event_line, received_of
from streaming.segment import OPEN, Segment, read_lines

log = logging.getLogger(__name__)

BATCH = 2_000
"""Events of a segment that are read at once."""


@dataclass(frozen=True)
class Limits:
    """When an open segment is sealed: at so many bytes, or so many seconds after it was opened."""

    bytes: int = 8 << 20
    seconds: float = 60.0


class Journal:
    """The open segments of one consumer, below `<lake>/raw`."""

    def __init__(self, raw: Path, consumer: str, limits: Limits) -> None:
        run = f"{consumer}-{secrets.token_hex(4)}"
        self._events = _Log(raw / EVENTS, run, limits)
        self._dead_letters = _Log(raw / DEAD_LETTERS, run, limits)

    def append(self, events: Sequence[Received], letters: Sequence[DeadLetter]) -> None:
        """Keep a micro-batch: after this it survives a power cut.

        Raises:
            OSError: it could not be kept (a full disk); nothing of it is.
        """
        parts = [
            (self._events, b"".join(map(event_line, events))),
            (self._dead_letters, b"".join(map(dead_letter_line, letters))),
        ]
        parts = [(log, lines) for log, lines in parts if lines]
        marks = [(log, log.open()) for log, _ in parts]
        try:
            for one, lines in parts:
                one.segment.write(lines)
            for one, _ in parts:
                one.segment.sync()
        except OSError:
            for one, size in marks:
                one.cut(size)
            raise

    def seal_due(self) -> None:
        """Seal what is full or old. Where there is no room to, it stays open, and grows."""
        for one in (self._events, self._dead_letters):
            one.seal_due()

    def seal(self) -> None:
        """Seal what is open, as far as there is room; the next start takes what is left."""
        for one in (self._events, self._dead_letters):
            one.seal()

    def release(self) -> None:
        """Leave the segments open: not all that they hold has reached the real-time state."""
        for one in (self._events, self._dead_letters):
            one.release()


class _Log:
    """Segments of one kind, one after the other; at most one is open."""

    def __init__(self, root: Path, run: str, limits: Limits) -> None:
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
        """Make sure that a segment is open; its size."""
        if self._segment is None:
            now = datetime.now(UTC)
            name = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}-{self._run}-{self._number:05d}"
            folder = self._root / f"ingest_date={now:%Y-%m-%d}"
            self._segment = Segment.create(folder, name)
            self._number += 1
            self._seal_at = time.monotonic() + self._limits.seconds
        return self._segment.size

    def cut(self, size: int) -> None:
        """Take back what was written of a batch; where even that fails, go on in a new segment."""
        try:
            self.segment.cut(size)
        except OSError:
            self.release()  # the next start cuts it

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
            log.warning("%s stays open, for it cannot be sealed: %s", self._segment.path, exc)
            if self._segment.sealed_before():
                self.release()  # the open file is a copy now, and goes when that can be removed
            self._seal_at = time.monotonic() + self._limits.seconds
        else:
            log.info("sealed %s", sealed)
            self._segment = None

    def release(self) -> None:
        if self._segment is not None:
            self._segment.release()
            self._segment = None


def recover(raw: Path) -> Iterator[list[Received]]:
    """Mend and seal what dead consumers left open; its events, before it is sealed.

    A crash may have come between a segment's fsync and the real-time state, and a pipe does not
    deliver again: so the taker of these events writes their state once more, which changes
    nothing where it was written. Where the disk refuses, a segment stays open for the next time.
    """
    for kind in (EVENTS, DEAD_LETTERS):
        for path in sorted((raw / kind).glob(f"ingest_date=*/*{OPEN}")):
            try:
                segment = Segment.orphaned(path)
                if segment is not None:
                    yield from _seal_orphan(segment, kind)
            except OSError as exc:
                log.warning("%s was left open, and cannot be sealed: %s", path, exc)


def _seal_orphan(segment: Segment, kind: str) -> Iterator[list[Received]]:
    try:
        if segment.sealed_before():
            segment.discard()
            return
        if kind == EVENTS:
            yield from batches(segment.path)
        log.info("%s was left open by a consumer that is dead: sealing it", segment.path)
        segment.seal()
    except (OSError, GeneratorExit):
        segment.release()  # any living consumer may take it now, this one too
        raise


def batches(path: Path) -> Iterator[list[Received]]:
    """The events of a segment, some at a time."""
    lines = read_lines(path)
    while batch := [received_of(line) for line in islice(lines, BATCH)]:
        yield batch
