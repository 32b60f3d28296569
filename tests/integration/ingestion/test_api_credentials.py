"""Credentials of an API: sent with every request, and in nothing that is kept or printed."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any
from urllib.parse import quote

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ingestion.ingest import ingest
from ingestion.sources import _http_client as http
from onboarding import check
from recomart.errors import RecoMartError

SECRET = "s3cret/+ &ampersand"
USER = "ck_0815"
PAIR = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
SHOP = """
products:
  api: "{url}"
{keys}  columns: {product_id: id}
ratings:
  files: "in/*.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""
WAYS = {
    "header": "  api_key: {header: X-Token, env: OWN_SECRET}\n",
    "bearer": "  bearer: {env: OWN_SECRET}\n",
    "basic": "  basic: {user_env: OWN_USER, password_env: OWN_SECRET}\n",
    "query": "  query_env: {consumer_key: OWN_USER, consumer_secret: OWN_SECRET}\n",
}


def is_allowed(request: Request) -> bool:
    return (
        request.headers.get("X-Token") == SECRET
        or request.headers.get("Authorization") in (f"Bearer {SECRET}", f"Basic {PAIR}")
        or (request.args.get("consumer_key"), request.args.get("consumer_secret")) == (USER, SECRET)
    )


class Api:
    """Five products in links of two; a server that repeats what it is sent wherever it can."""

    def __init__(self, user_shop: Any, server: HTTPServer) -> None:
        self.own, self.server = user_shop, server
        self.status = 200
        self.host = ""
        self.redirects = False
        server.expect_request("/products").respond_with_handler(self._handle)

    def declare(self, keys: str, url: str | None = None) -> None:
        text = SHOP.replace("{url}", url or self.server.url_for("/products"))
        self.own.declare(text.replace("{keys}", keys + "  paging: link\n  page_size: 2\n"))

    def _handle(self, request: Request) -> Response:
        named = [request.headers.get(name, "") for name in ("Authorization", "X-Token")]
        sent = f"{' '.join(named)} {request.full_path}"
        if not is_allowed(request):
            return Response(f"no: {sent}", status=401)
        if self.status != 200:
            return Response(sent, status=self.status)
        first = int(request.args.get("after", "0"))
        args = {**request.args, "after": str(first + 2)}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in args.items())
        link = f"{self.host}/products?{query}"
        if self.redirects:
            return Response(status=302, headers={"Location": f"http://evil.example{link}"})
        body = json.dumps({"items": [{"id": n} for n in range(first, min(first + 2, 5))]})
        more = {"Link": f'<{link}>; rel="next"'} if first + 2 < 5 else {}
        return Response(body, headers=more)


@pytest.fixture
def api(user_shop: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(http, "LONGEST_WAIT_SECONDS", 0.002)
    monkeypatch.setenv("OWN_SECRET", SECRET)
    monkeypatch.setenv("OWN_USER", USER)
    user_shop.write("r.csv", "user,item,stars,time\n")
    return Api(user_shop, httpserver)


def kept(api: Api, caplog: pytest.LogCaptureFixture) -> str:
    """Every table of the warehouse, and the log without the test server's own lines."""
    said = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    said += [str(record.__dict__) for record in caplog.records if record.name == "stamina"]
    with duckdb.connect(str(api.own.settings.warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
        ).fetchall()
        said += [str(connection.execute(f"select * from {name}").fetchall()) for (name,) in tables]
    return "\n".join(said)


def assert_hidden(text: str) -> None:
    for secret in (SECRET, quote(SECRET), quote(SECRET, safe=""), PAIR, "ampersand"):
        assert secret not in text


@pytest.mark.parametrize("way", WAYS)
def test_credentials_open_every_page_and_are_kept_nowhere(
    api: Api, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.declare(WAYS[way])
    ingest(api.own.settings)
    assert api.own.query("select product_id from raw.products order by 1") == [
        (str(n),) for n in range(5)
    ]
    assert_hidden(kept(api, caplog))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trouble", ["down", "refused", "redirect", "link", "unreachable"])
def test_no_error_shows_a_credential(
    api: Api, way: str, trouble: str, caplog: pytest.LogCaptureFixture, error_of: Any
) -> None:
    """The server repeats what it was sent in its refusals, links and redirects."""
    caplog.set_level(logging.INFO)
    api.declare(WAYS[way], "http://127.0.0.1:1/products" if trouble == "unreachable" else None)
    api.status = {"down": 500, "refused": 422}.get(trouble, 200)
    api.host = "http://evil.example" if trouble == "link" else ""
    api.redirects = trouble == "redirect"
    error = error_of(ingest, api.own.settings)
    code = {
        "redirect": "host-not-allowed",
        "link": "host-not-allowed",
        "refused": "catalogue-refuses",
    }
    assert f"error[{code.get(trouble, 'catalogue-down')}]" in error
    assert_hidden(error + kept(api, caplog))
    for problem in check(api.own.settings):
        assert_hidden(problem.render())


def test_a_wrong_credential_is_refused_without_showing_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, error_of: Any
) -> None:
    api.declare(WAYS["bearer"])
    monkeypatch.setenv("OWN_SECRET", "wr0ng-word")
    error = error_of(ingest, api.own.settings)
    assert "HTTP 401" in error
    assert "wr0ng-word" not in error
    assert "***" in error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", ["", f"{SECRET}\n", "schlüssel"])
def test_a_credential_that_cannot_be_sent_names_its_variable(
    api: Api, way: str, value: str, monkeypatch: pytest.MonkeyPatch, error_of: Any
) -> None:
    api.declare(WAYS[way])
    monkeypatch.setenv("OWN_SECRET", value)
    error = error_of(ingest, api.own.settings)
    assert "error[missing-api-key]" in error
    assert "$OWN_SECRET" in error
    assert "export OWN_SECRET" in error
    assert_hidden(error)
    assert "schlüssel" not in error


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"https://{USER}:hunter2@shop.example/products", "a user before the host"),
        (
            "https://shop.example/products?page=1&Consumer_Secret=hunter2",
            "the parameter Consumer_Secret",
        ),
        ("https://shop.example/products?access_token=hunter2", "the parameter access_token"),
    ],
)
def test_a_credential_in_the_url_is_an_error_of_the_shop_file(
    api: Api, url: str, found: str, error_of: Any
) -> None:
    api.declare("", url)
    error = error_of(ingest, api.own.settings)
    assert "error[credential-in-url]: the URL of products contains a credential" in error
    assert f"found: {found}" in error
    assert "own.yml:5   products.api" in error
    assert "hunter2" not in error
    problems: list[RecoMartError] = check(api.own.settings)
    assert "hunter2" not in "\n".join(problem.render() for problem in problems)


def test_two_values_of_one_header_are_an_error(api: Api, error_of: Any) -> None:
    api.declare(WAYS["bearer"] + WAYS["basic"])
    assert "bearer and basic are two values of one header" in error_of(ingest, api.own.settings)
