"""The record of what each publish changed in Redis: `<lake>/features/published.jsonl`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from feature_store.records import DamagedRecord, Instant, RecordFormat
from recomart.errors import SnapshotDamaged
from recomart.files import replace_text
from recomart.settings import Settings

KEPT = 1_000


@dataclass(frozen=True)
class ViewPublication:
    """One view in one publish. All times are UTC.

    Args:
        snapshot: hash of the features that were published.
        rows: how many entities the view has.
        everything: whether all were written, since nothing said which of them Redis had.
        seconds: that comparing and writing took.
    """

    view: str
    snapshot: str
    as_of: Instant
    published_at: Instant
    rows: int
    written: int
    deleted: int
    everything: bool
    seconds: float


_FORMAT = RecordFormat(ViewPublication)


def record(settings: Settings, publications: Iterable[ViewPublication]) -> None:
    """Add lines to the record, in one step; the oldest beyond the last thousand go."""
    file = _file(settings)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    lines += [_FORMAT.write(one) for one in publications]
    replace_text(file, "".join(f"{line}\n" for line in lines[-KEPT:]))


def publications(settings: Settings) -> list[ViewPublication]:
    """What was published to Redis from this lake, the newest first.

    Raises:
        SnapshotDamaged: a line of the record cannot be read.
    """
    file = _file(settings)
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [_read(file, number, line) for number, line in reversed(list(enumerate(lines, 1)))]


def _read(file: Path, number: int, line: str) -> ViewPublication:
    try:
        return _FORMAT.read(line)
    except DamagedRecord as exc:
        raise SnapshotDamaged(
            f"{file.name} has a line that is not the record of a publish",
            where=f"{file}:{number}",
            found=str(exc),
            help="remove the line: nothing but 'recomart features published' reads the file",
        ) from exc


def _file(settings: Settings) -> Path:
    return settings.features / "published.jsonl"
