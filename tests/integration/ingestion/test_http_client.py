"""What one answer may cost, against a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ingestion.sources import _http_client as http
from ingestion.sources._http_client import HttpClient, Limits
from recomart.errors import CatalogueError


def client_of(url: str, *, timeout_seconds: float) -> HttpClient:
    hosts = frozenset({urlsplit(url).netloc})
    return HttpClient(Limits(hosts, timeout_seconds, max_bytes=1 << 30))


def test_an_answer_in_drips_names_the_seconds_it_was_given(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drips(_: Request) -> Response:
        def body() -> Iterator[bytes]:
            for _ in range(100):
                yield b" " * http.CHUNK_BYTES
                time.sleep(0.05)

        return Response(body(), direct_passthrough=True)

    httpserver.expect_request("/").respond_with_handler(drips)
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    url = httpserver.url_for("/")
    client = client_of(url, timeout_seconds=0.1)
    with pytest.raises(CatalogueError) as caught:
        client.get(url, "page 1", check=len)
    # six times the time-out of 0.1 s
    assert caught.value.found == "no whole answer within 0.6 s"


def test_the_body_of_a_refusal_is_not_read_to_its_end(httpserver: HTTPServer) -> None:
    sent = []

    def endless(_: Request) -> Response:
        def body() -> Iterator[bytes]:
            for _ in range(2_000):
                sent.append(1)
                yield b"no" * 50_000

        return Response(body(), status=403, direct_passthrough=True)

    httpserver.expect_request("/").respond_with_handler(endless)
    url = httpserver.url_for("/")
    client = client_of(url, timeout_seconds=5.0)
    with pytest.raises(CatalogueError, match="HTTP 403") as caught:
        client.get(url, "page 1", check=len)
    assert "api_key" in caught.value.help
    assert len(sent) < 2_000  # 200 MB in all
