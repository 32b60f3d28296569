"""The report of the run before, which 'then' and every change comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic import ValidationError

from quality.report.content import FORMAT, Batch, BatchBack, Report, TakenBack
from quality.report.reading import Reader
from recomart.settings import Settings

JSON, PDF = "report.json", "report.pdf"


def state_of(reader: Reader) -> str:
    """A digest of the ledger and of dbt's runs: equal while nothing was loaded or built."""
    loads = reader.row(
        "select count(*) as n, max(batch_id) as last, max(finished_at) as at from raw._loads",
        needs="raw._loads",
    )
    runs = reader.row(
        "select count(*) as n, max(started_at) as at, max(finished_at) as ended"
        " from quality.dbt_runs",
        needs="quality.dbt_runs",
    )
    return hashlib.sha256(repr((loads, runs)).encode()).hexdigest()[:16]


def earlier_report(settings: Settings, state: str) -> tuple[Report | None, int]:
    """The newest report of another state, and how many newer ones could not be read.

    A report written again over unchanged tables is compared with the same report as the first
    time, not with itself.
    """
    unreadable = 0
    for path in sorted(settings.reports.glob(f"[0-9]*/{JSON}"), reverse=True):
        try:
            report = Report.model_validate_json(path.read_bytes())
        except (ValidationError, OSError):
            unreadable += 1
            continue
        if report.format == FORMAT and report.run.state != state:
            return report, unreadable
    return None, unreadable


def taken_back(batches: Sequence[Batch], earlier: Sequence[Batch]) -> TakenBack:
    """What the same batches had set aside at the last run, and have no more.

    A batch is the same when its id is; a file that failed whole is the same when a later batch
    loaded a file of its name.
    """
    now = {batch.batch_id: batch for batch in batches}
    loaded_now = {(b.entity, b.source_file) for b in batches if b.status == "loaded"}
    loaded_then = {(b.entity, b.source_file) for b in earlier if b.status == "loaded"}
    back = []
    for then in earlier:
        batch = now.get(then.batch_id)
        if batch is None or batch.status != "loaded" or then.status != "loaded":
            continue
        lines = max((then.rejected or 0) - (batch.rejected or 0), 0)
        records = 0
        if then.quarantined is not None and batch.quarantined is not None:
            records = max(then.quarantined - batch.quarantined, 0)
        if lines or records:
            back.append(
                BatchBack(
                    entity=batch.entity,
                    batch_id=batch.batch_id,
                    source_file=batch.source_file,
                    records=records,
                    lines=lines,
                )
            )
    failed_then = {(b.entity, b.source_file) for b in earlier if b.status == "failed"}
    return TakenBack(
        records=sum(b.records for b in back),
        lines=sum(b.lines for b in back),
        files=len((failed_then & loaded_now) - loaded_then),
        batches=tuple(back),
    )
