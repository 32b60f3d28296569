"""Which failed files are a problem now: those whose newest attempt failed, and that nothing replaced."""

from __future__ import annotations

import duckdb
import pytest

from feature_store.ledger import read_batches
from ingestion import ledger
from quality.report.batches import failed_files

FIRST, SECOND = ("1", "2026-01-01"), ("2", "2026-01-02")


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ([(*FIRST, "failed")], ["1"]),
        ([(*FIRST, "failed"), (*SECOND, "loaded")], []),
        ([(*FIRST, "failed"), (*SECOND, "failed")], ["2"]),
        ([(*FIRST, "loaded"), (*SECOND, "failed")], ["2"]),
        # the good file was put back
        ([(*FIRST, "loaded"), (*SECOND, "replaced")], []),
        # the bad one was: its batch is the older one, its try the newer
        ([("1", "2026-01-03", "failed"), (*SECOND, "loaded")], ["1"]),
    ],
)
def test_a_corrected_file_is_no_problem(
    rows: list[tuple[str, str, str]], problems: list[str]
) -> None:
    with duckdb.connect() as connection:
        ledger.create_tables(connection)
        for batch, at, status in rows:
            connection.execute(
                "insert into raw._loads (batch_id, source, entity, source_file, status, error, "
                "finished_at) values (?, 'files', 'ratings', 'in/a.csv', ?, 'error[x]: why', ?)",
                [batch, status, at],
            )
        found = failed_files(read_batches(connection))
    assert [file.batch_id for file in found] == problems
    assert all(file.error == '"why"' for file in found)
