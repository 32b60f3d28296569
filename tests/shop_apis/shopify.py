"""Shopify's Admin REST API, as its documentation describes it.

Lists are under the name of the resource, in pages of 50, at most 250. The Link header names the next
page by an opaque `page_info`, with which no other parameter but `limit` may come; a list of one page has
no such header. The key goes in X-Shopify-Access-Token. Orders are the open ones unless `status=any`.
`updated_at_min` takes in what changed at that moment. Too many requests are answered with 429 and
`Retry-After: 2.0`.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.shop_apis.world import Order, Product, World, decimal

TOKEN = "shpat_invented"
API = "/admin/api/2025-01"
EASTERN = timezone(timedelta(hours=-5))


class Shopify:
    """The API of one world.

    Args:
        throttle: answer each Nth request with 429; 0 never does.
    """

    def __init__(self, world: World, server: HTTPServer, *, throttle: int = 0) -> None:
        self.world, self.throttle = world, throttle
        self.queries: list[dict[str, str]] = []
        self._attempts = 0
        self.url = server.url_for(API)
        path = re.compile(f"^{API}/(products|orders).json$")
        server.expect_request(path).respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        if request.headers.get("X-Shopify-Access-Token") != TOKEN:
            message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Response(json.dumps({"errors": message}), 401)
        self._attempts += 1
        if self.throttle and self._attempts % self.throttle == 0:
            message = "Exceeded 2 calls per second for api client."
            return Response(json.dumps({"errors": message}), 429, headers={"Retry-After": "0.1"})
        args = dict(request.args)
        name = request.path.removeprefix(f"{API}/").removesuffix(".json")
        query = args
        if (page_info := args.get("page_info")) is not None:
            if set(args) - {"page_info", "limit", "fields"}:
                return Response(json.dumps({"errors": {"page_info": "Invalid value."}}), 400)
            query = json.loads(base64.urlsafe_b64decode(page_info))
        self.world.asked(name)
        self.queries.append(args)
        size = min(250, int(args.get("limit", 50)))
        found: list[Any] = sorted(getattr(self.world, name).values(), key=lambda one: one.id)
        if name == "orders" and query.get("status") != "any":
            found = []  # all of them are closed
        if (since := query.get("updated_at_min")) is not None:
            found = [one for one in found if one.changed >= datetime.fromisoformat(since)]
        found = [one for one in found if one.id > int(query.get("last_id", 0))]
        shown, headers = found[:size], {}
        if len(found) > size:
            after = {**query, "last_id": shown[-1].id}
            info = base64.urlsafe_b64encode(json.dumps(after).encode()).decode()
            url = f"{request.base_url}?limit={size}&page_info={info}"
            headers = {"Link": f'<{url}>; rel="next"'}
        shape = _product if name == "products" else _order
        return Response(json.dumps({name: [shape(one) for one in shown]}), headers=headers)


def _time(moment: datetime) -> str:
    return moment.astimezone(EASTERN).isoformat()


def _product(one: Product) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "product_type": one.category,
        "vendor": "Acme",
        "created_at": _time(one.created),
        "updated_at": _time(one.changed),
        "status": "active" if one.in_stock else "archived",
        "variants": [
            {"id": 10 * one.id, "price": decimal(one.cents), "sku": f"S{one.id}"},
            {"id": 10 * one.id + 1, "price": "99999.00", "sku": f"L{one.id}"},
        ],
    }


def _order(one: Order) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": f"#{one.id}",
        "created_at": _time(one.created),
        "updated_at": _time(one.changed),
        "cancelled_at": _time(one.changed) if one.cancelled else None,
        "customer": {"id": one.customer} if one.customer else None,
        "line_items": [
            {
                "id": line.id,
                "product_id": line.product,
                "variant_id": 10 * line.product,
                "quantity": line.quantity,
                "price": decimal(line.cents),
            }
            for line in one.lines
        ],
    }
