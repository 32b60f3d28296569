from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC

import duckdb

from feature_store.ledger import FAILED, BatchRecord, columns, read_batches
from ingestion import ledger


def test_the_columns_of_the_ledger_are_the_fields_of_a_batch() -> None:
    with duckdb.connect() as connection:
        ledger.create_tables(connection)
        rows = connection.execute(
            "select column_name, lower(data_type) from information_schema.columns "
            "where table_schema = 'raw' and table_name = '_loads' order by ordinal_position"
        ).fetchall()
    assert dict(rows) == columns()
    assert [name for name, _ in rows] == [field.name for field in fields(BatchRecord)]


def test_a_written_batch_is_read_back_and_replaced_by_its_id() -> None:
    now = ledger.utc_now()
    one = BatchRecord("00000001", "files", "ratings", "a.csv", bytes=7, started_at=now)
    failed = BatchRecord("00000001", "files", "ratings", "a.csv", status=FAILED, error="no")
    with duckdb.connect() as connection:
        ledger.create_tables(connection)
        ledger.write_batches(connection, [one])
        (read,) = read_batches(connection)
        assert read == replace(one, started_at=now.replace(tzinfo=UTC))
        ledger.write_batches(connection, [read])
        assert read_batches(connection) == (read,), "an aware time is stored as the same instant"
        ledger.write_batches(connection, [failed])
        assert read_batches(connection) == (failed,)


def test_a_ledger_of_an_older_lake_gets_the_columns_it_lacks() -> None:
    with duckdb.connect() as connection:
        ledger.create_tables(connection)
        connection.execute("alter table raw._loads drop column redelivered")
        ledger.create_tables(connection)
        assert read_batches(connection) == ()
