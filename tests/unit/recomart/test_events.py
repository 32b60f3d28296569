from datetime import UTC, datetime

import duckdb
import pytest
from pydantic import ValidationError

from recomart.events import Event, key_hash


def test_key_hash_is_the_loader_s_sql() -> None:
    found = duckdb.sql("select md5(concat_ws(chr(31), 'u1', coalesce(null, ''), 'ü'))").fetchone()
    assert found == (key_hash("u1", None, "ü"),)


def test_key_hash_keeps_columns_apart() -> None:
    assert key_hash("ab", "c") != key_hash("a", "bc")


def test_unknown_event_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="event_type"):
        Event(event_id="1", event_type="hover", user_id="u", occurred_at=datetime.now(UTC))
