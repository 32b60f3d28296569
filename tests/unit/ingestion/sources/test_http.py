"""What a Retry-After header asks for, and which hosts are this machine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingestion.sources._answer import retry_after
from ingestion.sources._http_client import is_loopback


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("2.0", 2.0),
        ("Fri, 01 May 2026 00:00:30 GMT", 30.0),
        ("Fri, 01 May 2026 00:00:30 -0000", 30.0),
        ("Fri, 01 May 2020 00:00:30 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=datetime(2026, 5, 1, tzinfo=UTC)) == seconds


def test_only_loopback_goes_around_a_proxy() -> None:
    assert is_loopback("http://localhost:5000/x")
    assert is_loopback("http://127.0.0.1/")
    assert not is_loopback("https://shop.example/products")
