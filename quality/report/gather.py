"""From the warehouse to a report: asks every page what it says, and draws nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from feature_store.dbt_runs import read_runs
from feature_store.ledger import read_batches
from quality.report.earlier import earlier_report
from quality.report.inputs import Inputs, state_of
from quality.report.page import pages_in_order
from quality.report.quoting import plain
from quality.report.report import FORMAT, Report, Run
from quality.report.tables import Tables
from recomart.settings import Settings
from recomart.step import Progress
from recomart.warehouse import warehouse


def gather(settings: Settings, run_id: str, written_at: datetime, progress: Progress) -> Report:
    """The report of the warehouse in its present state.

    Raises:
        NotReady: there is no warehouse.
        WarehouseLocked: another process writes to it.
    """
    with warehouse(settings, read_only=True) as connection:
        loads, runs = read_batches(connection), read_runs(connection)
        state = state_of(loads, runs)
        earlier, unreadable = earlier_report(settings, state)
        inputs = Inputs(
            settings, Tables(connection), progress, loads, runs, state, earlier, unreadable
        )
        return Report(
            format=FORMAT,
            run=_run(inputs, settings, run_id, written_at),
            pages={page.name: inputs.content(page) for page in pages_in_order()},
        )


def _run(inputs: Inputs, settings: Settings, run_id: str, written_at: datetime) -> Run:
    earlier = inputs.earlier
    return Run(
        run_id=run_id,
        shop=settings.shop_name,
        title=plain(inputs.shop_value("title") or settings.shop_name, 120),
        written_at=written_at,
        as_of=inputs.as_of,
        state=inputs.state,
        since_run=earlier.run.run_id if earlier else None,
        since_written_at=earlier.run.written_at if earlier else None,
        since=_since(earlier, inputs.unreadable_reports),
    )


def _since(earlier: Report | None, unreadable: int) -> str:
    if earlier is None:
        first = "First report of this lake: there is no earlier run to compare with."
        return f"{first} {unreadable} older could not be read." if unreadable else first
    moment = earlier.run.written_at.astimezone(UTC)
    return f"Changes are since run {plain(earlier.run.run_id, 40)} of {moment:%Y-%m-%d %H:%M} UTC."
