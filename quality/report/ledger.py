"""The ledger's batches, with what dbt's reconciliation says became of their records."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby, takewhile
from pathlib import PurePosixPath
from typing import Any

from quality.report.content import Batch, FailedFile, FileGroup
from quality.report.quoting import quoted
from quality.report.reading import Reader

OUTCOMES = ("accepted", "quarantined", "deduplicated", "superseded")
FILE_NAME, FOLDERS = 200, 12
"""Characters of a file's name that are kept, and folders of an entity told apart."""
_NEWEST = """
    select * from raw._loads
    qualify row_number() over (
        partition by entity, source_file order by finished_at desc, batch_id desc
    ) = 1
"""


def read_batches(reader: Reader, judged_until: datetime | None) -> tuple[Batch, ...]:
    """Every batch in the order of loading.

    Args:
        judged_until: when dbt's last run started; what was loaded later is not judged.
    """
    judged = {
        row["batch_id"]: row
        for row in reader.rows(
            f"select batch_id, received, {', '.join(OUTCOMES)} from quality.dq_reconciliation",
            needs="quality.dq_reconciliation",
        )
    }
    batches = []
    for row in reader.rows("select * from raw._loads order by batch_id", needs="raw._loads"):
        outcome = judged.get(row["batch_id"], {})
        late = judged_until is None or not row["finished_at"] or row["finished_at"] > judged_until
        if late or row["status"] != "loaded":
            outcome = {}
        batches.append(_batch(row, outcome))
    return tuple(batches)


def _batch(row: dict[str, Any], outcome: dict[str, Any]) -> Batch:
    kept: dict[str, Any] = {name: row[name] for name in Batch.model_fields if name in row}
    kept["source_file"] = quoted(row["source_file"], FILE_NAME)
    if row["landed_file"] is not None:
        kept["landed_file"] = quoted(row["landed_file"], FILE_NAME)
    kept |= {name: outcome.get(name) for name in OUTCOMES}
    return Batch(**kept)


def failed_files(reader: Reader, batches: Iterable[Batch]) -> tuple[FailedFile, ...]:
    """Files whose newest try failed: nothing of them is used. One that was corrected is none."""
    errors = {
        row["batch_id"]: row["error"]
        for row in reader.rows(
            f"select batch_id, left(error, 2000) as error from ({_NEWEST}) where status = 'failed'",
            needs="raw._loads",
        )
    }
    return tuple(
        FailedFile(
            entity=batch.entity,
            batch_id=batch.batch_id,
            source_file=batch.source_file,
            bytes=batch.bytes,
            error=quoted(_essence(errors[batch.batch_id] or "no error recorded"), 200),
        )
        for batch in batches
        if batch.batch_id in errors
    )


def _essence(error: str) -> str:
    """What was wrong and what was found, of an error in the form of recomart/errors.py."""
    message, *others = error.splitlines() or [""]
    found = [line.strip() for line in others if line.strip().startswith("found:")]
    return "; ".join([re.sub(r"^error\[[^]]*\]: ", "", message), *found[:1]])


def _path(batch: Batch) -> PurePosixPath:
    return PurePosixPath(batch.source_file[1:-1] if batch.source_file.endswith('"') else "")


def _beginning(names: list[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in equal)


def file_groups(batches: Iterable[Batch]) -> tuple[FileGroup, ...]:
    """Loaded files by entity and folder, each group with one digest of all its files."""
    loaded = [batch for batch in batches if batch.status == "loaded"]
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
            pattern = f'"{_beginning([str(_path(file)) for file in files])}*{suffix}"'
            listed = "".join(f"{batch.sha256}\n" for batch in files)
            digest = hashlib.sha256(listed.encode()).hexdigest()
        total = sum(batch.bytes or 0 for batch in files)
        groups.append(
            FileGroup(entity=entity, pattern=pattern, files=len(files), bytes=total, digest=digest)
        )
    return tuple(groups)
