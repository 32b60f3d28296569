"""The shop files of docs/apis.md, run against servers that behave like the shop systems' APIs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import pytest
from pytest_httpserver import HTTPServer

from ingestion.ingest import ingest
from ingestion.sources import _http_client as http
from onboarding import check
from recomart.settings import PROJECT_ROOT
from tests.shop_apis import shopify, stripe, woocommerce
from tests.shop_apis.world import Line, World, decimal

Rows = set[tuple[str | None, ...]]
NEWEST = (
    "select distinct {columns} from raw.{entity} "
    "qualify row_number() over (partition by {key} order by _batch_id desc, _record desc) = 1"
)
"""Of each key the version that was loaded last, as the accepted rows have it."""


def in_the_docs(heading: str) -> str:
    text = (PROJECT_ROOT / "docs" / "apis.md").read_text().partition(f"\n## {heading}\n")[2]
    return re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]  # type: ignore[index]


class ShopApi:
    """One shop file of the page, and the server that it reads from."""

    heading: str
    host: str
    variables: dict[str, str]
    products = "product_id, title, category, price, in_stock"
    lines = "order_id, line_no, user_id, product_id, quantity"

    def __init__(self, user_shop: Any, server: HTTPServer) -> None:
        self.own = user_shop
        self.world = World.invented(products=260, orders=130)
        self.api: Any = self.serve(server)
        self.own.declare(self.shop_file())

    def serve(self, server: HTTPServer) -> Any:
        raise NotImplementedError

    def shop_file(self) -> str:
        """The page's, without the title that `declare` adds."""
        text = in_the_docs(self.heading).replace(self.host, self.api.url)
        return "\n".join(
            line for line in text.splitlines() if not line.startswith(("title", "as_of"))
        )

    def ingest(self) -> dict[str, int]:
        """The records that were loaded and not left out by `where`, by entity."""
        loaded = ingest(self.own.settings).loaded
        return {batch.entity: batch.records - (batch.filtered or 0) for batch in loaded}

    def rows(self, entity: str, columns: str, key: str) -> Rows:
        sql = NEWEST.format(entity=entity, columns=columns, key=key)
        return set(self.own.query(sql))

    def assert_whole(self) -> None:
        """The raw tables have the world's rows."""
        assert self.rows("products", self.products, "product_id") == self.product_rows()
        assert self.rows("transactions", self.lines, "order_id, line_no") == self.line_rows()

    def product_rows(self) -> Rows:
        return self.world.product_rows()

    def line_rows(self) -> Rows:
        return {(*row[:5], self.price(line)) for row, line in self._world_lines()}

    def price(self, line: Line) -> str:
        return decimal(line.cents)

    def _world_lines(self) -> Iterable[tuple[tuple[str | None, ...], Line]]:
        by_id = {str(x.id): x for order in self.world.orders.values() for x in order.lines}
        return ((row, by_id[str(row[1])]) for row in self.world.line_rows())


class Woo(ShopApi):
    heading, host = "WooCommerce", "https://shop.example/wp-json/wc/v3"
    variables: ClassVar = {"WOO_KEY": woocommerce.KEY, "WOO_SECRET": woocommerce.SECRET}
    lines = ShopApi.lines + ", line_total"

    def serve(self, server: HTTPServer) -> woocommerce.WooCommerce:
        return woocommerce.WooCommerce(self.world, server)

    def price(self, line: Line) -> str:
        return decimal(line.quantity * line.cents)


class Shopify(ShopApi):
    heading, host = "Shopify", "https://my-shop.myshopify.com/admin/api/2025-01"
    variables: ClassVar = {"SHOPIFY_TOKEN": shopify.TOKEN}
    lines = ShopApi.lines + ", unit_price"

    def serve(self, server: HTTPServer) -> shopify.Shopify:
        return shopify.Shopify(self.world, server, throttle=4)


class Stripe(ShopApi):
    heading, host = "A cursor in the page: Stripe", "https://api.stripe.com/v1"
    variables: ClassVar = {"STRIPE_KEY": stripe.KEY}
    products = "product_id, title, in_stock"

    def serve(self, server: HTTPServer) -> stripe.Stripe:
        return stripe.Stripe(self.world, server)

    def product_rows(self) -> Rows:
        return {(row[0], row[1], row[4]) for row in self.world.product_rows()}

    def line_rows(self) -> Rows:
        return {row[:5] for row, _ in self._world_lines()}


@pytest.fixture(params=[Woo, Shopify, Stripe])
def shop(
    request: pytest.FixtureRequest,
    user_shop: Any,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> ShopApi:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(http, "LONGEST_WAIT_SECONDS", 0.002)
    for name, value in request.param.variables.items():
        monkeypatch.setenv(name, value)
    return request.param(user_shop, httpserver)


def test_the_whole_shop_comes_out_right_and_then_what_changed(shop: ShopApi) -> None:
    # guests have no user: the check says so
    assert all("user_id is empty" in found.message for found in check(shop.own.settings))
    first = shop.ingest()
    shop.assert_whole()
    assert first["transactions"] == len(shop.world.line_rows())
    assert any(order.cancelled for order in shop.world.orders.values())
    assert shop.ingest() == {}
    asked = shop.world.requests.copy()
    if not isinstance(shop, Stripe):  # which has no list of changed orders
        shop.world.change_quantity(5004, 77)
    shop.world.change_price(1003, 12_345)
    new = shop.world.add_product("New", "Group 9", 500)
    shop.world.add_order(None, [(new, 2), (1001, 1)])
    second = shop.ingest()
    shop.assert_whole()
    assert 3 <= second["transactions"] < 20
    assert all(count < 2 * asked[name] for name, count in shop.world.requests.items())
    # all of the orders that come now are a guest's: a null where another has a customer
    shop.world.add_order(None, [(1002, 1)])
    assert shop.ingest()["transactions"] in (1, 3)
    shop.assert_whole()
    assert shop.ingest() == {}


@pytest.mark.parametrize("change", ["deleted", "added"])
def test_a_list_that_changes_between_two_pages_loses_nothing(shop: ShopApi, change: str) -> None:
    """The change comes after the first page of a list, and before the second."""
    world, newest_first = shop.world, isinstance(shop, Woo | Stripe)
    product, order = (
        sorted(ids)[-5 if newest_first else 5] for ids in (world.products, world.orders)
    )
    lines = {line for line in world.line_rows() if line[0] == str(order)}

    changes: dict[tuple[str, str], Callable[[], object]] = {
        ("products", "added"): lambda: world.add_product("New", "Group 9", 500),
        ("products", "deleted"): lambda: world.products.pop(product),
        ("orders", "added"): lambda: world.add_order(3, [(1001, 1), (1200, 2)]),
        ("orders", "deleted"): lambda: world.orders.pop(order),
    }

    def before(name: str, number: int) -> None:
        if number == 2:
            changes[name, change]()

    world.before = before
    shop.ingest()
    assert min(world.requests.values()) >= 2
    if isinstance(shop, Stripe):
        # what is added before the place where a cursor goes on comes with the next ingest
        shop.ingest()
    found = shop.rows("products", "product_id", "product_id")
    ordered = shop.rows("transactions", "order_id, line_no", "order_id, line_no")
    if change == "deleted":
        if isinstance(shop, Woo):
            assert not found & {(str(product),)}, "pages by number are read again without it"
            assert not ordered & {line[:2] for line in lines}
        found -= {(str(product),)}
        ordered -= {line[:2] for line in lines}
    assert found == {row[:1] for row in world.product_rows()}
    assert ordered == {row[:2] for row in world.line_rows()}


def test_a_cursor_whose_record_is_gone_is_read_again(
    user_shop: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setenv("STRIPE_KEY", stripe.KEY)
    shop = Stripe(user_shop, httpserver)
    last = sorted(shop.world.products)[-100]
    products = shop.world.products
    shop.world.before = lambda name, number: (
        products.pop(last) if (name, number) == ("products", 2) else None
    )
    shop.ingest()
    shop.assert_whole()


def test_a_page_size_that_is_refused_is_reported(
    user_shop: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, error_of: Any
) -> None:
    for name, value in Woo.variables.items():
        monkeypatch.setenv(name, value)
    shop = Woo(user_shop, httpserver)
    text = shop.shop_file().replace(
        "  size_param: per_page", "  page_size: 250\n  size_param: per_page"
    )
    shop.own.declare(text)
    assert "Invalid parameter(s): per_page" in error_of(shop.ingest)
