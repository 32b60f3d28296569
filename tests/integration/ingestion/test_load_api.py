"""The HTTP catalogue: pages that are believed only when they agree, and an API that misbehaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ingestion.ingest import ingest
from ingestion.readers.pages import bodies
from ingestion.sources import _http_client as http

RATINGS = """
ratings:
  files: "in/*.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""
PRODUCTS = """
products:
  api: "{url}"
  page_size: 2
  timeout_seconds: 1
  columns:
    product_id: id
    title: name
    category: class.name
    price: price
    in_stock: stock
    updated_at: changed
"""


def item(number: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "id": f"p{number}",
        "name": f"Product {number}",
        "class": {"name": "Toys"},
        "price": number,
        "stock": True,
        "changed": f"2026-01-0{number}T00:00:00Z",
    }
    return plain | changes


class Shop:
    """A catalogue behind a real HTTP server; a test may replace how it answers."""

    def __init__(self, user_shop: Any, server: HTTPServer) -> None:
        self.own, self.server = user_shop, server
        self.items = [item(number) for number in range(1, 6)]
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Response] = self.honest
        server.expect_request("/products").respond_with_handler(self._handle)
        user_shop.write("r.csv", "user,item,stars,time\n")
        self.declare()

    def declare(self, more: str = "", url: str | None = None) -> None:
        url = url or self.server.url_for("/products")
        self.own.declare(RATINGS + PRODUCTS.replace("{url}", url) + more)

    def _handle(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answer(request)

    def honest(self, request: Request) -> Response:
        page, size = int(request.args["page"]), int(request.args["page_size"])
        since = request.args.get("since", "")
        found = [one for one in self.items if one["changed"] >= since]
        shown = found[(page - 1) * size : page * size]
        body = json.dumps({"items": shown, "total": len(found)})
        etag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers={"ETag": etag})
        return Response(body, headers={"ETag": etag}, content_type="application/json")

    def ingest(self) -> Any:
        return ingest(self.own.settings)

    def products(self) -> list[tuple[Any, ...]]:
        return self.own.query("select * exclude (_loaded_at) from raw.products order by _record")


@pytest.fixture
def shop(user_shop: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(http, "LONGEST_WAIT_SECONDS", 0.02)
    return Shop(user_shop, httpserver)


def test_all_pages_become_rows_with_their_text_as_sent(shop: Shop) -> None:
    shop.items = [item(1, price=1.5, stock=False, name=None, extra={"new": 1}), item(2), item(3)]
    shop.ingest()
    url = shop.server.url_for("/products")
    p1, *others = shop.products()
    assert p1 == (
        "p1", None, "Toys", None, "1.5", None, "false", "2026-01-01T00:00:00Z", "00000001", url, 1,
    )  # fmt: skip
    assert [row[0] for row in others] == ["p2", "p3"]


def test_numbers_keep_their_text(shop: Shop) -> None:
    body = '{"items": [{"id": 1, "name": [1.10], "class": {"name": "x"}, "price": 1.10, "stock": 1, "changed": "t"}], "total": 1}'
    shop.answer = lambda _: Response(body)
    shop.ingest()
    assert shop.products()[0][:5] == ("1", "[1.10]", "x", None, "1.10")


def test_the_pages_can_be_had_back_as_received(shop: Shop) -> None:
    sent: list[bytes] = []

    def answer(request: Request) -> Response:
        response = shop.honest(request)
        sent.append(response.data)
        return response

    shop.answer = answer
    shop.ingest()
    [(landed,)] = shop.own.query("select landed_file from raw._loads where source = 'api'")
    assert landed.startswith("raw/api/products/ingest_date=")
    assert list(bodies(shop.own.settings.lake / landed)) == sent
    assert len(sent) == 3


def test_equal_content_is_skipped(shop: Shop) -> None:
    shop.ingest()
    landed = shop.own.landed()
    summary = shop.ingest()
    assert summary.result().count == 0
    assert shop.own.landed() == landed
    assert len(shop.products()) == 5


def test_a_change_behind_an_unchanged_first_page_is_seen(shop: Shop) -> None:
    shop.ingest()
    shop.items[4] = item(5, name="New")
    assert shop.ingest().result().count == 5
    assert shop.own.query("select count(*) from raw.products where title = 'New'") == [(1,)]


def test_only_what_changed_is_asked_for(shop: Shop) -> None:
    shop.declare("  updated_since_param: since\n")
    shop.ingest()
    for _ in range(2):
        assert shop.ingest().loaded == ()
    assert shop.requests[-1].args["since"] == "2026-01-05T00:00:00Z"
    assert shop.requests[-1].headers.get("If-None-Match")
    shop.items[0] = item(1, name="New", changed="2026-01-07T00:00:00Z")
    assert shop.ingest().result().count == 2
    names = shop.own.query("select title from raw.products where product_id = 'p1' order by all")
    assert names == [("New",), ("Product 1",)]


def test_a_time_in_the_future_does_not_hide_later_changes(shop: Shop) -> None:
    shop.declare("  updated_since_param: since\n")
    shop.items[2] = item(3, changed="2999-01-01T00:00:00Z")
    shop.ingest()
    shop.ingest()
    assert shop.requests[-1].args["since"] == "2026-01-05T00:00:00Z"


def test_offset_paging_counts_records(shop: Shop) -> None:
    def answer(request: Request) -> Response:
        first = int(request.args["skip"])
        return Response(json.dumps({"items": shop.items[first : first + 2]}))

    shop.declare("  page_param: skip\n  paging: offset\n")
    shop.answer = answer
    shop.ingest()
    # until an empty page; and again, because nothing says how many records there are
    assert [r.args["skip"] for r in shop.requests] == ["0", "2", "4", "5"] * 2
    assert len(shop.products()) == 5


def failing(shop: Shop, times: int, response: Callable[[], Response]) -> Callable[..., Response]:
    def answer(request: Request) -> Response:
        return response() if len(shop.requests) <= times else shop.honest(request)

    return answer


@pytest.mark.parametrize(
    "response",
    [
        lambda: Response(status=500),
        lambda: Response(status=429),
        lambda: Response('{"items": [{"id"'),
        lambda: Response('{"error": "later"}'),
        lambda: Response(b"\xff\xfe"),
    ],
)
def test_what_is_transient_is_asked_for_again(shop: Shop, response: Any) -> None:
    shop.answer = failing(shop, 2, response)
    shop.ingest()
    assert len(shop.products()) == 5


def test_a_slow_answer_is_asked_for_again(shop: Shop) -> None:
    def slow() -> Response:
        time.sleep(1.5)
        return Response(status=500)

    shop.answer = failing(shop, 1, slow)
    shop.ingest()
    assert len(shop.products()) == 5


def test_retry_after_is_honoured(shop: Shop) -> None:
    shop.answer = failing(shop, 1, lambda: Response(status=429, headers={"Retry-After": "1"}))
    started = time.monotonic()
    shop.ingest()
    assert time.monotonic() - started >= 1.0
    assert len(shop.products()) == 5


def test_a_long_retry_after_is_passed_on(shop: Shop, error_of: Any) -> None:
    shop.answer = lambda _: Response(status=503, headers={"Retry-After": "3600"})
    assert "the API of products asks to come back in 3,600 s" in error_of(shop.ingest)
    assert len(shop.requests) == 1


def test_an_api_that_keeps_failing_says_so(shop: Shop, error_of: Any) -> None:
    shop.answer = lambda _: Response(status=500)
    error = error_of(shop.ingest)
    url = shop.server.url_for("/products")
    assert (
        "error[catalogue-down]: page 1 of the API of products keeps failing, 6 times in a row"
        in error
    )
    assert f"--> {url}?page=1&page_size=2" in error
    assert "found: HTTP 500" in error
    [state] = shop.own.query("select status, source_file from raw._loads where source = 'api'")
    assert state == ("failed", url)
    assert [name for name in shop.own.landed() if "/api/" in name] == []


def test_a_catalogue_that_stays_down_is_one_row_until_it_comes(shop: Shop, error_of: Any) -> None:
    shop.answer = lambda _: Response(status=500)
    ledger = "select batch_id, status from raw._loads where source = 'api' order by 1"
    for _ in range(2):
        assert "error[catalogue-down]" in error_of(shop.ingest)
        [(first, state)] = shop.own.query(ledger)
        assert state == "failed"
    shop.answer = shop.honest
    shop.ingest()
    [replaced, (_, state)] = shop.own.query(ledger)
    assert (replaced, state) == ((first, "replaced"), "loaded")
    shop.answer = lambda _: Response(status=500)
    assert "error[catalogue-down]" in error_of(shop.ingest)
    assert [state for _, state in shop.own.query(ledger)] == ["replaced", "loaded", "failed"]


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
def test_pages_that_failed_are_one_batch_and_a_mended_mapping_takes_them(
    shop: Shop, error_of: Any, down: bool
) -> None:
    """The same answer three times: twice it has no key for the price, then the mapping knows better."""
    shop.items = [item(number, cost=number) | {"price": 0} for number in (1, 2)]
    for one in shop.items:
        del one["price"]
    ledger = "select batch_id, status, landed_file from raw._loads where source = 'api'"
    for _ in range(2):
        assert 'has no column "price"' in error_of(shop.ingest)
        [(first, state, landed)] = shop.own.query(ledger)
        assert state == "failed"
        assert [name for name in shop.own.landed() if "/api/" in name] == [landed]
    shop.own.declare(
        RATINGS
        + PRODUCTS.replace("price: price", "price: cost").replace(
            "{url}", shop.server.url_for("/products")
        )
    )
    if down:
        shop.answer = lambda _: Response(status=500)
        assert "error[catalogue-down]" in error_of(shop.ingest)
    else:
        shop.ingest()
    assert (first, "loaded", landed) in shop.own.query(ledger)
    assert [row[4] for row in shop.products()] == ["1", "2"]
    shop.answer = shop.honest
    assert shop.ingest().loaded == ()
    assert [name for name in shop.own.landed() if "/api/" in name] == [landed]
    assert len(shop.products()) == 2


def test_an_api_that_is_down_says_so_and_files_load(shop: Shop, error_of: Any) -> None:
    shop.declare(url="http://127.0.0.1:1/products")
    shop.own.write("r.csv", "user,item,stars,time\nu1,p1,5,2026-01-01\n")
    assert "found: connection refused" in error_of(shop.ingest)
    assert shop.own.query("select count(*) from raw.ratings") == [(1,)]


def test_a_repeated_page_is_a_lie(shop: Shop, error_of: Any) -> None:
    shop.answer = lambda _: Response(json.dumps({"items": shop.items[:2], "total": 5}))
    error = error_of(shop.ingest)
    assert "page 2 of the API of products keeps failing" in error
    assert "page 2 repeats the records of page 1" in error
    assert shop.products() == []


def test_a_page_repeated_once_is_asked_for_again(shop: Shop) -> None:
    def answer(request: Request) -> Response:
        if len(shop.requests) == 2:
            return Response(json.dumps({"items": shop.items[:2], "total": 5}))
        return shop.honest(request)

    shop.answer = answer
    shop.ingest()
    assert [row[0] for row in shop.products()] == ["p1", "p2", "p3", "p4", "p5"]


def test_fewer_records_than_promised_is_a_lie(shop: Shop, error_of: Any) -> None:
    def answer(request: Request) -> Response:
        found = json.loads(shop.honest(request).data)
        return Response(json.dumps(found | {"total": 7}))

    shop.answer = answer
    error = error_of(shop.ingest)
    assert "page 4 says that there are 7 records, but the pages end before" in error
    assert "found: 5 records, then an empty page" in error


def test_more_records_than_promised_is_a_lie(shop: Shop, error_of: Any) -> None:
    shop.answer = lambda _: Response(json.dumps({"items": shop.items, "total": 3}))
    error = error_of(shop.ingest)
    assert "error[catalogue-lies]" in error
    assert "page 1 says that there are 3 records, but sends more" in error


def test_endless_paging_ends_at_the_byte_cap(shop: Shop, error_of: Any) -> None:
    def answer(request: Request) -> Response:
        page = int(request.args["page"])
        return Response(json.dumps({"items": [item(1, id=page), item(2, id=-page)]}))

    shop.declare("  max_bytes: 10000\n")
    shop.answer = answer
    assert "the API of products sends more than 10,000 bytes" in error_of(shop.ingest)


def test_a_redirect_to_another_host_is_not_followed(shop: Shop, error_of: Any) -> None:
    shop.answer = lambda _: Response(status=302, headers={"Location": "http://evil.example/x"})
    error = error_of(shop.ingest)
    assert "error[host-not-allowed]: the API of products redirects to http://evil.example" in error
    assert "allow_hosts: [evil.example]" in error


def test_a_redirect_within_the_host_is_followed(shop: Shop) -> None:
    shop.server.expect_request("/moved").respond_with_handler(shop.honest)
    shop.answer = lambda r: Response(
        status=307, headers={"Location": f"/moved?{r.query_string.decode()}"}
    )
    shop.ingest()
    assert len(shop.products()) == 5


def test_the_key_is_sent_and_a_refusal_is_explained(
    shop: Shop, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Request) -> Response:
        good = request.headers.get("X-API-Key") == "s3cret"
        return shop.honest(request) if good else Response("no", status=401)

    shop.answer = answer
    shop.declare("  api_key: {env: OWN_SHOP_KEY}\n")
    monkeypatch.delenv("OWN_SHOP_KEY", raising=False)
    assert "export OWN_SHOP_KEY=" in error_of(shop.ingest)
    monkeypatch.setenv("OWN_SHOP_KEY", "wrong")
    error = error_of(shop.ingest)
    assert "HTTP 401" in error
    assert "check api_key" in error
    assert "wrong" not in error
    monkeypatch.setenv("OWN_SHOP_KEY", "s3cret")
    shop.ingest()
    assert len(shop.products()) == 5


def test_a_mapped_key_that_no_item_has_is_an_error(shop: Shop, error_of: Any) -> None:
    shop.items = [item(1), item(2)]
    for one in shop.items:
        one["cost"] = one.pop("price")
    error = error_of(shop.ingest)
    assert 'the API of products, has no column "price" for price' in error
    assert shop.products() == []


def test_an_item_that_is_no_object_is_a_reject(shop: Shop) -> None:
    body = {"items": [item(1), "rubbish", item(2)], "total": 3}
    shop.answer = lambda _: Response(json.dumps(body))
    shop.ingest()
    assert [row[0] for row in shop.products()] == ["p1", "p2"]
    [counts] = shop.own.query(
        "select lines, rejected, records from raw._loads where source = 'api'"
    )
    assert counts == (3, 1, 2)


def test_a_changed_mapping_is_made_anew_from_the_landed_pages(shop: Shop) -> None:
    shop.ingest()
    asked = len(shop.requests)
    text = PRODUCTS.replace("title: name", "title: id")
    shop.own.declare(RATINGS + text.replace("{url}", shop.server.url_for("/products")))
    summary = shop.ingest()
    assert [load.source for load in summary.reloaded] == ["api"]
    assert [row[1] for row in shop.products()] == ["p1", "p2", "p3", "p4", "p5"]
    assert len(shop.requests) == 2 * asked
