"""The record of what each publish changed in Redis: `<lake>/features/published.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from recomart.files import replace_text
from recomart.settings import Settings

KEPT = 1_000


@dataclass(frozen=True)
class ViewPublication:
    """One view in one publish. All times are UTC.

    Args:
        snapshot: hash of the features that were published.
        rows: how many entities the view has.
        everything: whether all were written, since Redis was not known to hold them.
        seconds: that comparing and writing took.
    """

    view: str
    snapshot: str
    as_of: datetime
    published_at: datetime
    rows: int
    written: int
    deleted: int
    everything: bool
    seconds: float


def record(settings: Settings, publications: Iterable[ViewPublication]) -> None:
    """Add lines to the record, in one step; the oldest beyond the last thousand go."""
    file = _file(settings)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    lines += [json.dumps(asdict(one), default=datetime.isoformat) for one in publications]
    replace_text(file, "".join(f"{line}\n" for line in lines[-KEPT:]))


def publications(settings: Settings) -> list[ViewPublication]:
    """What was published to Redis from this lake, the newest first."""
    file = _file(settings)
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [_read(json.loads(line)) for line in reversed(lines)]


def _read(content: dict) -> ViewPublication:
    times = {name: datetime.fromisoformat(content[name]) for name in ("as_of", "published_at")}
    return ViewPublication(**{**content, **times})


def _file(settings: Settings) -> Path:
    return settings.features / "published.jsonl"
