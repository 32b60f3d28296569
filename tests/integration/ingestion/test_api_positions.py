"""Fetching what changed since: which time is remembered, and that no change is passed over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ingestion.ingest import ingest
from ingestion.sources import _http_client as http

SHOP = """
transactions:
  api: "{url}"
  each: lines
  updated_since_param: since
  changed_at: meta.changed
  page_size: 2
  columns: {order_id: ^.id, line_no: "#", user_id: ^.by, product_id: sku, ordered_at: ^.at}
"""


def order(number: int, changed: str | int | None, *skus: str) -> dict[str, Any]:
    lines = [{"sku": sku} for sku in skus]
    return {
        "id": number,
        "by": "u1",
        "at": "2026-01-01",
        "meta": {"changed": changed},
        "lines": lines,
    }


class Orders:
    """Orders behind a real server, of which one may ask for those changed at or after a time."""

    def __init__(self, user_shop: Any, server: HTTPServer) -> None:
        self.own, self.url = user_shop, server.url_for("/orders")
        self.orders = [order(n, f"2026-01-0{n}T00:00:00", f"p{n}", "p9") for n in range(1, 6)]
        self.since: list[str | None] = []
        server.expect_request("/orders").respond_with_handler(self._handle)
        self.own.declare(SHOP.replace("{url}", self.url))

    def _handle(self, request: Request) -> Response:
        since, first = request.args.get("since"), 2 * int(request.args["page"]) - 2
        if first == 0:
            self.since.append(since)
        found = [one for one in self.orders if not since or str(one["meta"]["changed"]) >= since]
        body = json.dumps({"items": found[first : first + 2], "total": len(found)})
        return Response(body)

    def ingest(self) -> int:
        return sum(batch.records for batch in ingest(self.own.settings).loaded)


@pytest.fixture
def orders(user_shop: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Orders:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(http, "LONGEST_WAIT_SECONDS", 0.002)
    return Orders(user_shop, httpserver)


def test_orders_are_fetched_by_their_own_time_of_change(orders: Orders) -> None:
    """Order lines have no updated_at: a path in the order says when it changed."""
    assert [orders.ingest(), orders.ingest()] == [10, 0]
    orders.orders[0] = order(1, "2026-01-06T00:00:00", "p1", "p8")
    orders.orders.append(order(6, "2026-01-07T00:00:00", "p6"))
    # order 5 comes once more, since it has the time that is asked for
    assert [orders.ingest(), orders.ingest()] == [5, 0]
    assert orders.since == [None, *["2026-01-05T00:00:00"] * 2, "2026-01-07T00:00:00"]
    names = [name for (name,) in orders.own.query("select source_file from raw._loads order by 1")]
    assert names == [orders.url, f"{orders.url}?since=2026-01-05T00:00:00"]


def test_a_change_during_the_fetch_is_not_passed_over(orders: Orders) -> None:
    """What changed less than five minutes before the fetch began does not count as read."""
    now = datetime.now(UTC)
    times = [(now - timedelta(minutes=m)).strftime("%Y-%m-%dT%H:%M:%S") for m in (9, 7, 6, 4, 1)]
    orders.orders = [order(n, time, f"p{n}") for n, time in enumerate(times)]
    orders.ingest()
    orders.ingest()
    assert orders.since == [None, times[2]]


def test_the_earlier_of_two_clocks_decides(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's is months behind ours, and its times of change are by its clock."""
    then = format_datetime(datetime(2026, 1, 4, tzinfo=UTC), usegmt=True)
    clock = "werkzeug.serving.WSGIRequestHandler.date_time_string"
    monkeypatch.setattr(clock, lambda self, timestamp=None: then)
    orders.ingest()
    orders.ingest()
    assert orders.since == [None, "2026-01-03T00:00:00"]


def test_a_fetch_that_did_not_load_leaves_the_position(orders: Orders, error_of: Any) -> None:
    orders.ingest()
    orders.orders.append({**order(6, "2026-01-07T00:00:00", "p6"), "lines": "none"})
    for one in orders.orders:
        one["when"] = one.pop("at")
    assert 'has no column "^.at"' in error_of(orders.ingest)
    for one in orders.orders:
        one["at"] = one.pop("when")
    orders.orders[5]["lines"] = [{"sku": "p6"}]
    orders.ingest()
    assert orders.since == [None, *["2026-01-05T00:00:00"] * 2]
    assert orders.own.query("select product_id from raw.transactions where order_id = '6'") == [
        ("p6",)
    ]


def test_another_url_is_read_from_the_beginning(orders: Orders) -> None:
    orders.ingest()
    orders.own.declare(SHOP.replace("{url}", f"{orders.url}?status=any"))
    orders.ingest()  # the same bytes: nothing to load, but as far as they go is known
    orders.ingest()
    assert orders.since == [None, None, "2026-01-05T00:00:00"]


def test_an_empty_answer_keeps_the_position(orders: Orders) -> None:
    orders.ingest()
    orders.orders.clear()
    for _ in range(2):
        assert orders.ingest() == 0
    assert orders.since == [None, *["2026-01-05T00:00:00"] * 2]


def test_the_time_of_change_is_read_in_the_format_of_the_source(orders: Orders) -> None:
    epochs = [1_767_000_000, 999_999_999, 1_767_000_005]
    orders.orders = [order(n, epoch, f"p{n}") for n, epoch in enumerate(epochs)]
    text = SHOP.replace("{url}", orders.url) + "  time_format: epoch_seconds\n"
    orders.own.declare(text)
    orders.ingest()
    orders.ingest()
    assert orders.since == [None, "1767000005"]


@pytest.mark.parametrize("changed", [None, "yesterday"])
def test_times_of_change_that_cannot_be_read_are_an_error(
    orders: Orders, changed: str | None, error_of: Any
) -> None:
    orders.orders = [order(1, changed, "p1")]
    error = error_of(orders.ingest)
    assert "no item of transactions has a time of change at 'meta.changed'" in error
    assert f"found: {changed}, read as iso" in error
    assert orders.own.query("select count(*) from raw.transactions") == [(0,)]


def test_a_list_of_changes_needs_a_time_of_change(orders: Orders, error_of: Any) -> None:
    orders.own.declare(
        SHOP.replace("{url}", orders.url).replace("  changed_at: meta.changed\n", "")
    )
    error = error_of(orders.ingest)
    assert "nothing says when a record of transactions changed last" in error
    assert "own.yml:7   transactions.updated_since_param" in error
    assert "changed_at: PATH" in error
