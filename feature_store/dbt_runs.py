"""The warehouse's own record of dbt's runs, `quality.dbt_runs`, read in one place.

dbt's hooks write it (macros/record_run.sql): a row when a run that changes tables starts, and its
outcome when the run ends. So it also holds for a dbt by hand and for a run that was killed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import duckdb

from recomart.warehouse import has_table

RUNS = "quality.dbt_runs"
Outcome = Literal["unfinished", "failed", "untested", "passed"]


@dataclass(frozen=True)
class DbtRun:
    """One run of dbt that changed tables. Times are UTC.

    Args:
        invocation: dbt's id of the run; its artifacts carry it.
        command: `build` or `run`.
        complete: whether it took every model and test.
        finished_at: None when the run was cut off, or is still going.
        failures: models and tests that failed.
    """

    invocation: str
    command: str
    complete: bool
    started_at: datetime
    finished_at: datetime | None
    failures: int

    @property
    def outcome(self) -> Outcome:
        """`passed` only when everything was built, tested and without an error."""
        if self.finished_at is None:
            return "unfinished"
        if self.failures:
            return "failed"
        return "passed" if self.command == "build" and self.complete else "untested"


def read_runs(connection: duckdb.DuckDBPyConnection) -> tuple[DbtRun, ...]:
    """Every run, newest first; none before the first."""
    if not has_table(connection, RUNS):
        return ()
    found = connection.execute(
        "select invocation_id, command, complete, started_at, finished_at, failures"
        f" from {RUNS} order by started_at desc"
    ).fetchall()
    return tuple(
        DbtRun(
            invocation=invocation,
            command=command,
            complete=bool(complete),
            started_at=started_at.replace(tzinfo=UTC),
            finished_at=finished_at and finished_at.replace(tzinfo=UTC),
            failures=int(failures or 0),
        )
        for invocation, command, complete, started_at, finished_at, failures in found
    )
