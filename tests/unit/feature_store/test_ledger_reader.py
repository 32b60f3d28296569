"""The one reader of the ledger and of dbt's runs, on tables written by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from feature_store.dbt_runs import read_runs
from feature_store.ledger import BatchRecord, read_batches
from ingestion import ledger


def test_a_warehouse_without_a_ledger_has_no_batches_and_no_runs() -> None:
    with duckdb.connect() as connection:
        assert read_batches(connection) == ()
        assert read_runs(connection) == ()


def test_batches_come_in_load_order_with_times_in_utc() -> None:
    with duckdb.connect() as connection:
        ledger.create_tables(connection)
        at = datetime(2026, 3, 1, 12)
        loads = [BatchRecord(batch, "files", "users", "u.csv", started_at=at) for batch in "21"]
        ledger.write_batches(connection, loads)
        found = read_batches(connection)
    assert [load.batch_id for load in found] == ["1", "2"]
    assert found[0].started_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found[0].is_loaded


def test_a_ledger_that_is_older_than_a_column_has_the_default() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw._loads as select '1' as batch_id, 'x' as added_later")
        (load,) = read_batches(connection)
    assert (load.batch_id, load.records, load.status) == ("1", None, "loaded")


@pytest.mark.parametrize(
    ("command", "complete", "finished", "failures", "outcome"),
    [
        ("build", True, True, 0, "passed"),
        ("build", False, True, 0, "untested"),
        ("run", True, True, 0, "untested"),
        ("build", True, True, 2, "failed"),
        ("build", True, False, None, "unfinished"),
    ],
)
def test_only_a_complete_build_without_failures_has_passed(
    command: str, complete: bool, finished: bool, failures: int | None, outcome: str
) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema quality")
        connection.execute(
            "create table quality.dbt_runs (invocation_id varchar, command varchar,"
            " complete boolean, started_at timestamp, finished_at timestamp, failures bigint)"
        )
        ended = "2026-03-01 12:05:00" if finished else None
        connection.execute(
            "insert into quality.dbt_runs values ('i', ?, ?, '2026-03-01 12:00:00', ?, ?)",
            [command, complete, ended, failures],
        )
        (run,) = read_runs(connection)
    assert run.outcome == outcome
