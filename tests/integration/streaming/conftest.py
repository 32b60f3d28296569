"""Events for the speed layer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.streaming.kafka_brokers import Brokers, cluster


@pytest.fixture(scope="module")
def brokers() -> Iterator[Brokers]:
    with cluster() as made:
        yield made


@pytest.fixture(scope="session")
def make_line() -> Callable[..., bytes]:
    """An event of just now as a line; `number` gives its id, user, product and time."""
    now = datetime.now(UTC)

    def line(number: int, **fields: Any) -> bytes:
        event = {
            "event_id": f"e{number}",
            "event_type": ("view", "add_to_cart", "purchase")[number % 3],
            "user_id": f"u{number % 7}",
            "session_id": f"s{number % 11}",
            "product_id": f"p{number % 5}",
            "occurred_at": (now - timedelta(seconds=number % 3600)).isoformat(),
        }
        return json.dumps({**event, **fields}).encode()

    return line
