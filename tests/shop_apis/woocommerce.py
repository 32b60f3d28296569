"""WooCommerce's REST API v3, as its documentation describes it.

Lists are JSON arrays in pages of 10, at most 100 (more is refused), newest first. X-WP-Total and
X-WP-TotalPages count, Link names the pages around. Keys go as Basic authentication, or in the query.
`modified_after` leaves out what changed at that moment; it is in the shop's own time zone, unless
`dates_are_gmt` is true.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.shop_apis.world import Order, Product, World, decimal

KEY, SECRET = "ck_invented", "cs_invented"
SITE = timedelta(hours=2)
"""The shop's time zone is ahead of UTC."""


class WooCommerce:
    """The API of one world."""

    def __init__(self, world: World, server: HTTPServer) -> None:
        self.world = world
        self.queries: list[dict[str, str]] = []
        self.url = server.url_for("/wp-json/wc/v3")
        path = re.compile("^/wp-json/wc/v3/(products|orders)$")
        server.expect_request(path).respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        args = dict(request.args)
        if not _knows_key(request):
            return _refusal(
                401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."
            )
        page, size = int(args.get("page", 1)), int(args.get("per_page", 10))
        if not 1 <= size <= 100:
            return _refusal(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        products = request.path.endswith("products")
        self.world.asked("products" if products else "orders")
        self.queries.append(args)
        found: list[Any] = list((self.world.products if products else self.world.orders).values())
        if (after := args.get("modified_after")) is not None:
            offset = timedelta() if args.get("dates_are_gmt") == "true" else SITE
            found = [one for one in found if _time(one.changed + offset) > after]
        by = {"date": lambda one: one.created, "modified": lambda one: one.changed, "id": _id}
        found.sort(key=by[args.get("orderby", "date")], reverse=args.get("order", "desc") == "desc")
        shown = found[(page - 1) * size : page * size]
        pages = -(-len(found) // size)
        links = {"prev": page - 1, "next": page + 1}
        link = ", ".join(
            f'<{request.base_url}?{urlencode(args | {"page": number})}>; rel="{rel}"'
            for rel, number in links.items()
            if 1 <= number <= pages
        )
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
        body = json.dumps([_product(one) if products else _order(one) for one in shown])
        return Response(body, headers=headers | ({"Link": link} if link else {}))


def _knows_key(request: Request) -> bool:
    pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    in_query = (request.args.get("consumer_key"), request.args.get("consumer_secret"))
    return request.headers.get("Authorization") == f"Basic {pair}" or in_query == (KEY, SECRET)


def _refusal(status: int, code: str, message: str) -> Response:
    return Response(
        json.dumps({"code": code, "message": message, "data": {"status": status}}), status
    )


def _id(one: Any) -> int:
    return int(one.id)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _times(one: Product | Order) -> dict[str, str]:
    return {
        "date_created": _time(one.created + SITE),
        "date_created_gmt": _time(one.created),
        "date_modified": _time(one.changed + SITE),
        "date_modified_gmt": _time(one.changed),
    }


def _product(one: Product) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.title,
        "type": "simple",
        "price": decimal(one.cents),
        "stock_status": "instock" if one.in_stock else "outofstock",
        "categories": [{"id": 9, "name": one.category, "slug": "x"}, {"id": 8, "name": "All"}],
        **_times(one),
    }


def _order(one: Order) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": "cancelled" if one.cancelled else "completed",
        "customer_id": one.customer or 0,
        "line_items": [
            {
                "id": line.id,
                "product_id": line.product,
                "variation_id": 0,
                "quantity": line.quantity,
                "total": decimal(line.quantity * line.cents),
                "price": decimal(line.cents),
            }
            for line in one.lines
        ],
        **_times(one),
    }
