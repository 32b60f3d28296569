"""Stripe's lists, as its documentation describes them: products, and checkout sessions as orders.

A list is `data` with `has_more`, newest first, in pages of 10, at most 100. The next page comes
`starting_after` the id of the last object; an id that is gone is refused. The key is a bearer token, or
the user of Basic authentication. `created[gte]` takes in what was created at that moment. Times are
seconds since 1970, amounts are cents. `expand[]` puts the lines into the sessions.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.shop_apis.world import Order, Product, World

KEY = "sk_test_invented"


class Stripe:
    """The API of one world."""

    def __init__(self, world: World, server: HTTPServer) -> None:
        self.world = world
        self.queries: list[dict[str, str]] = []
        self.url = server.url_for("/v1")
        path = re.compile("^/v1/(products|checkout/sessions)$")
        server.expect_request(path).respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _refusal(401, "Invalid API Key provided: ***ted")
        args = dict(request.args)
        size = int(args.get("limit", 10))
        if not 1 <= size <= 100:
            return _refusal(400, f"Limit must be between 1 and 100: {size}")
        products = request.path.endswith("products")
        self.world.asked("products" if products else "orders")
        self.queries.append(args)
        things: dict[int, Any] = dict(self.world.products if products else self.world.orders)
        if (after := args.get("starting_after")) is not None:
            if int(after) not in things:
                return _refusal(400, f"No such object: '{after}'")
            things = {number: one for number, one in things.items() if number < int(after)}
        since = int(args.get("created[gte]", 0))
        found = [one for one in things.values() if one.created.timestamp() >= since]
        found.sort(key=lambda one: one.id, reverse=True)
        expanded = "data.line_items" in request.args.getlist("expand[]")
        shown = [_product(one) if products else _session(one, expanded) for one in found[:size]]
        body = {"object": "list", "url": request.path, "has_more": len(found) > size, "data": shown}
        return Response(json.dumps(body))


def _refusal(status: int, message: str) -> Response:
    return Response(
        json.dumps({"error": {"type": "invalid_request_error", "message": message}}), status
    )


def _product(one: Product) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "object": "product",
        "name": one.title,
        "active": one.in_stock,
        "created": int(one.created.timestamp()),
        "updated": int(one.changed.timestamp()),
        "default_price": {"unit_amount": one.cents, "currency": "eur"},
        "metadata": {"category": one.category},
    }


def _session(one: Order, expanded: bool) -> dict[str, Any]:
    lines = [
        {
            "id": str(line.id),
            "quantity": line.quantity,
            "amount_total": line.quantity * line.cents,
            "price": {"unit_amount": line.cents, "product": str(line.product)},
        }
        for line in one.lines
    ]
    session: dict[str, Any] = {
        "id": str(one.id),
        "object": "checkout.session",
        "created": int(one.created.timestamp()),
        "payment_status": "unpaid" if one.cancelled else "paid",
        "customer": str(one.customer) if one.customer else None,
    }
    return session | ({"line_items": {"data": lines, "has_more": False}} if expanded else {})
