"""What was in quarantine or unreadable at the last run, and is used now."""

from __future__ import annotations

from collections.abc import Sequence

from feature_store.ledger import FAILED, LOADED
from quality.report.batches import Batch
from quality.report.content import Content
from quality.report.paper import Paper
from quality.report.paper_table import Column, draw_table


class BatchBack(Content):
    """One batch of which more is used than at the last run."""

    entity: str
    batch_id: str
    source_file: str
    records: int
    lines: int


class TakenBack(Content):
    """What was set aside at the last run and is used now, because a rule or format was corrected."""

    records: int
    lines: int
    files: int
    batches: tuple[BatchBack, ...]

    @property
    def any(self) -> bool:
        """Whether anything was."""
        return bool(self.records or self.lines or self.files)


def taken_back(batches: Sequence[Batch], earlier: Sequence[Batch]) -> TakenBack:
    """What the same batches had in quarantine or unreadable at the last run, and is used now.

    A batch is the same when its id is. A file that could not be loaded is the same when a later
    batch loaded a file of its name.
    """
    now = {batch.batch_id: batch for batch in batches}
    loaded_now = {(b.entity, b.source_file) for b in batches if b.status == LOADED}
    loaded_then = {(b.entity, b.source_file) for b in earlier if b.status == LOADED}
    back = []
    for then in earlier:
        batch = now.get(then.batch_id)
        if batch is None or batch.status != LOADED or then.status != LOADED:
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
    failed_then = {(b.entity, b.source_file) for b in earlier if b.status == FAILED}
    return TakenBack(
        records=sum(b.records for b in back),
        lines=sum(b.lines for b in back),
        files=len((failed_then & loaded_now) - loaded_then),
        batches=tuple(back),
    )


def draw_taken_back(paper: Paper, back: TakenBack) -> None:
    """A section with the batches of which most is used again."""
    paper.section("Recovered since the last run", room=35)
    paper.pen(8.5)
    paper.paragraph(
        "These were in quarantine or unreadable at the last run and are used now, because a rule "
        "or a format was corrected."
    )
    columns = [
        Column("Source", 24),
        Column("File", 100, font="mono", keep_end=True),
        Column("records", 28, "R"),
        Column("lines", 28, "R"),
    ]
    most = sorted(back.batches, key=lambda b: (-b.records - b.lines, b.batch_id))
    shown = most[:5]
    rows = [(b.entity, b.source_file, f"{b.records:,}", f"{b.lines:,}") for b in shown]
    if others := most[len(shown) :]:
        records, lines = sum(b.records for b in others), sum(b.lines for b in others)
        rows.append(("others", f"{len(others):,} files", f"{records:,}", f"{lines:,}"))
    if rows:
        draw_table(paper, columns, rows, 7.5)
