"""The batches of the ledger, with what became of their records, and the files they came from."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby, takewhile
from pathlib import PurePosixPath
from typing import Any

from feature_store.ledger import FAILED, LOADED, BatchRecord
from quality.report.content import Content
from quality.report.quoting import quoted
from quality.report.tables import Tables

OUTCOMES = ("accepted", "quarantined", "deduplicated", "superseded", "filtered", "cancelled")
FILE_NAME, FOLDERS = 200, 12
"""Characters of a file's name that are kept; an entity with more folders is shown as one group."""
_BEGINNING = datetime.fromtimestamp(0, UTC)


class Batch(Content):
    """One row of the ledger, with what became of its records (None: not judged)."""

    batch_id: str
    source: str
    entity: str
    source_file: str
    landed_file: str | None
    sha256: str | None
    bytes: int | None
    status: str
    lines: int | None
    header: int | None
    blank: int | None
    continuation: int | None
    rejected: int | None
    records: int | None
    accepted: int | None
    quarantined: int | None
    deduplicated: int | None
    superseded: int | None
    filtered: int | None = None
    cancelled: int | None = None
    cancels_nothing: int | None = None

    @property
    def balances(self) -> bool:
        """Whether every line of the batch, and every record that was judged, is accounted for."""
        lines = _total(self.header, self.blank, self.continuation, self.rejected, self.records)
        if self.lines is not None and self.lines != lines:
            return False
        outcomes = (getattr(self, name) for name in OUTCOMES)
        return self.accepted is None or self.records == _total(*outcomes)


class FailedFile(Content):
    """A file that could not be loaded at all."""

    entity: str
    batch_id: str
    source_file: str
    bytes: int | None
    error: str


class FileGroup(Content):
    """The files of one entity in one folder, as one line."""

    entity: str
    pattern: str
    files: int
    bytes: int
    digest: str
    """sha256 of the file, or of the files' sha256 in the order of loading, one a line."""


def read_batches(
    tables: Tables, loads: Iterable[BatchRecord], judged_until: datetime | None
) -> tuple[Batch, ...]:
    """Every batch in load order, with dbt's reconciliation.

    Args:
        judged_until: when dbt's last run started; what was loaded later is not judged.
    """
    judged = {
        row["batch_id"]: row
        for row in tables.rows(
            "select * from quality.dq_reconciliation", needs="quality.dq_reconciliation"
        )
    }
    batches = []
    for load in loads:
        outcome = judged.get(load.batch_id, {})
        late = judged_until is None or not load.finished_at or load.finished_at > judged_until
        if late or not load.is_loaded:
            outcome = {}
        batches.append(_batch(load, outcome))
    return tuple(batches)


def _batch(load: BatchRecord, outcome: dict[str, Any]) -> Batch:
    kept = {name: value for name, value in asdict(load).items() if name in Batch.model_fields}
    kept["source_file"] = quoted(load.source_file, FILE_NAME)
    if load.landed_file is not None:
        kept["landed_file"] = quoted(load.landed_file, FILE_NAME)
    terms = (*OUTCOMES, "cancels_nothing")
    unjudged: dict[str, Any] = dict.fromkeys(terms)
    outcomes = {name: outcome.get(name) for name in terms} if outcome else {}
    return Batch(**unjudged | kept | outcomes)


def _total(*terms: int | None) -> int:
    return sum(term or 0 for term in terms)


def failed_files(loads: Sequence[BatchRecord]) -> tuple[FailedFile, ...]:
    """Files whose newest attempt failed, so that nothing in them is used.

    A file that was corrected and loaded since is not one of them.
    """
    newest: dict[tuple[str, str], BatchRecord] = {}
    for load in sorted(loads, key=lambda load: (load.finished_at or _BEGINNING, load.batch_id)):
        newest[load.entity, load.source_file] = load
    return tuple(
        FailedFile(
            entity=load.entity,
            batch_id=load.batch_id,
            source_file=quoted(load.source_file, FILE_NAME),
            bytes=load.bytes,
            error=quoted(_essence((load.error or "")[:2000] or "no error recorded"), 200),
        )
        for load in loads
        if load.status == FAILED and newest[load.entity, load.source_file] is load
    )


def _essence(error: str) -> str:
    """The message and the finding of an error that recomart/errors.py rendered."""
    message, *others = error.splitlines() or [""]
    found = [line.strip() for line in others if line.strip().startswith("found:")]
    return "; ".join([re.sub(r"^error\[[^]]*\]: ", "", message), *found[:1]])


def _name(batch: Batch) -> str:
    return batch.source_file[1:-1] if batch.source_file.endswith('"') else ""


def _path(batch: Batch) -> PurePosixPath:
    return PurePosixPath(_name(batch))


def _beginning(names: list[str]) -> str:
    """The longest common beginning of all names."""
    first, last = min(names), max(names)
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in equal)


def file_groups(batches: Iterable[Batch]) -> tuple[FileGroup, ...]:
    """Loaded files by entity and folder, each group with one digest of all its files."""
    loaded = [batch for batch in batches if batch.status == LOADED]
    folders = Counter(entity for entity, _ in {(b.entity, _path(b).parent) for b in loaded})

    def place(batch: Batch) -> tuple[str, str, str]:
        path = _path(batch)
        folder = "" if folders[batch.entity] > FOLDERS else str(path.parent)
        return batch.entity, folder, path.suffix

    groups = []
    for (entity, _, suffix), members in groupby(sorted(loaded, key=place), key=place):
        files = sorted(members, key=lambda batch: batch.batch_id)
        if len(files) == 1:
            pattern, digest = files[0].source_file, files[0].sha256 or ""
        else:
            pattern = f'"{_beginning([_name(file) for file in files])}*{suffix}"'
            listed = "".join(f"{batch.sha256}\n" for batch in files)
            digest = hashlib.sha256(listed.encode()).hexdigest()
        total = sum(batch.bytes or 0 for batch in files)
        groups.append(
            FileGroup(entity=entity, pattern=pattern, files=len(files), bytes=total, digest=digest)
        )
    return tuple(groups)
