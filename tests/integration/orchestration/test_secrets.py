"""SECURITY.md: what is secret is in the environment, and in nothing that RecoMart prints or writes."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recomart.settings import Settings
from tests.integration.orchestration.test_cli import recomart

KEY, WRONG_KEY, PASSWORD = "s3cret-key-7f", "s3cret-wrong-9a", "s3cret-password-3d"
SHOP = """
title: Secrets
ratings:
  files: ratings.csv
  columns: {user_id: u, product_id: p, rating: r, rated_at: t}
products:
  api: "URL"
  api_key: {env: OWN_SHOP_KEY}
  columns: {product_id: id, title: name}
"""


def written(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_secret_is_printed_or_written(
    settings: Settings, tmp_path: Path, httpserver: HTTPServer
) -> None:
    def answer(request: Request) -> Response:
        if request.headers.get("X-API-Key") != KEY:
            return Response("no", status=403)
        return Response(json.dumps({"items": [{"id": "p1", "name": "Tea"}], "total": 1}))

    httpserver.expect_request("/products").respond_with_handler(answer)
    shop = tmp_path / "shop.yml"
    shop.write_text(SHOP.replace("URL", httpserver.url_for("/products")))
    (tmp_path / "ratings.csv").write_text("u,p,r,t\nu1,p1,5,2026-01-01\n")
    variables = {
        **settings.environment(),
        "RECOMART_SHOP": str(shop),
        "RECOMART_REDIS_URL": f"redis://shop:{PASSWORD}@127.0.0.1:1/0",
        "OWN_SHOP_KEY": WRONG_KEY,
    }
    refused = recomart("ingest", **variables)
    variables["OWN_SHOP_KEY"] = KEY
    loaded = recomart("ingest", **variables)
    unreachable = recomart("features", "user", "u1", **variables)
    status = recomart("stream", "status", **variables)

    assert "403" in refused.stdout + refused.stderr
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    assert "no Redis answers at 127.0.0.1:1/0" in unreachable.stderr
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        assert connection.execute("select title from raw.products").fetchall() == [("Tea",)]
    printed = "".join(run.stdout + run.stderr for run in (refused, loaded, unreachable, status))
    files = written(settings.lake)
    assert any("/logs/" in name for name in files), "the runs have written their logs"
    for secret in (KEY, WRONG_KEY, PASSWORD):
        assert secret not in printed
        assert [name for name, content in files.items() if secret.encode() in content] == []
