"""The mock API over real HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from demo_shop import generate
from demo_shop.mock_api import API_KEY, Faults, create_app, serve
from demo_shop.mock_api.shape import Shape, served_for
from ingestion.shop_file import load_shop
from ingestion.sources.api import ApiSource
from recomart.errors import NotReady, PortInUse
from recomart.processes import LOOPBACK, free_port
from recomart.settings import PROJECT_ROOT, Settings, load_settings

KEY = {"X-API-Key": "sesame"}
ITEMS: list[dict[str, Any]] = [
    {"product_id": f"p{n}", "title": f"Thing {n}", "updated_at": f"2026-03-{n + 1:02d}T12:00:00Z"}
    for n in range(25)
]


@contextmanager
def serving(
    catalogue: Path,
    faults: Faults | None = None,
    shape: Shape = Shape(),  # noqa: B008 - frozen
    key: str | None = "sesame",
) -> Iterator[str]:
    """A server in a thread; gives its URL, and ends it."""
    port = free_port(5700)
    app = create_app(catalogue, key, faults, shape)
    config = uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(ITEMS), encoding="utf-8")
    return path


@pytest.fixture
def url(catalogue: Path) -> Iterator[str]:
    with serving(catalogue) as base:
        yield base


def get(url: str, **query: Any) -> requests.Response:
    return requests.get(f"{url}/products", params=query, headers=KEY, timeout=10)


def test_pages_hold_every_product_once_and_in_order(url: str) -> None:
    found, link = [], "/products?page=1&page_size=10"
    while link:
        page = requests.get(url + link, headers=KEY, timeout=10).json()
        assert (page["total"], page["page_size"]) == (25, 10)
        found += page["items"]
        link = page["next"]
    assert page["page"] == 3
    assert found == ITEMS


def test_page_behind_the_last_one_is_empty(url: str) -> None:
    page = get(url, page=4, page_size=10).json()
    assert (page["items"], page["next"], page["total"]) == ([], None, 25)


@pytest.mark.parametrize(
    "since", ["2026-03-21T12:00:00Z", "2026-03-21T14:00:00+02:00", "2026-03-21T12:00:00"]
)
def test_updated_since_gives_what_changed_then_or_later(url: str, since: str) -> None:
    page = get(url, updated_since=since, page_size=3).json()
    assert [item["product_id"] for item in page["items"]] == ["p20", "p21", "p22"]
    assert page["total"] == 5
    rest = requests.get(url + page["next"], headers=KEY, timeout=10).json()
    assert [item["product_id"] for item in rest["items"]] == ["p23", "p24"]


def test_product_without_a_readable_time_is_never_filtered_away(catalogue: Path) -> None:
    catalogue.write_text(json.dumps([*ITEMS, {"product_id": "odd", "updated_at": "yesterday"}]))
    with serving(catalogue) as url:
        page = get(url, updated_since="2027-01-01T00:00:00Z").json()
    assert [item["product_id"] for item in page["items"]] == ["odd"]


@pytest.mark.parametrize(
    "query", [{"page": 0}, {"page_size": 0}, {"page_size": 1001}, {"updated_since": "x"}]
)
def test_a_query_that_makes_no_sense_is_refused(url: str, query: dict[str, Any]) -> None:
    assert get(url, **query).status_code == 422


def test_one_product_and_one_that_is_not_there(url: str) -> None:
    one = requests.get(f"{url}/products/p3", headers=KEY, timeout=10)
    none = requests.get(f"{url}/products/p99", headers=KEY, timeout=10)
    assert one.json() == ITEMS[3]
    assert (none.status_code, none.json()["error"]) == (404, "unknown_product")


def test_without_the_key_there_is_an_explanation_and_no_product(url: str) -> None:
    without = requests.get(f"{url}/products", timeout=10)
    wrong = requests.get(f"{url}/products", headers={"X-API-Key": "pässword".encode()}, timeout=10)
    assert (without.status_code, wrong.status_code) == (401, 401)
    assert "X-API-Key" in without.json()["message"]
    assert wrong.json()["error"] == "wrong_api_key"
    assert requests.get(f"{url}/health", timeout=10).json() == {"status": "ok", "products": 25}


def test_known_page_is_not_sent_again_until_the_catalogue_changed(
    url: str, catalogue: Path
) -> None:
    etag = get(url).headers["ETag"]
    headers = KEY | {"If-None-Match": f'"other", W/{etag}'}
    again = requests.get(f"{url}/products", headers=headers, timeout=10)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)

    catalogue.with_suffix(".new").write_text(json.dumps(ITEMS[:7]))
    catalogue.with_suffix(".new").replace(catalogue)
    changed = requests.get(f"{url}/products", headers=headers, timeout=10)
    assert changed.status_code == 200
    assert changed.json()["total"] == 7
    assert changed.headers["ETag"] != etag


def test_catalogue_that_went_away_is_said_to_be_so(url: str, catalogue: Path) -> None:
    catalogue.unlink()
    gone = get(url)
    assert (gone.status_code, gone.json()["error"]) == (503, "no_catalogue")
    assert "recomart generate" in gone.json()["message"]


def test_fault_429_says_when_to_come_back(catalogue: Path) -> None:
    with serving(catalogue, Faults.parse("429:first=2:seconds=3")) as url:
        answers = [get(url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"


def test_fault_500_strikes_every_nth_request(catalogue: Path) -> None:
    with serving(catalogue, Faults.parse("500:every=3")) as url:
        assert [get(url).status_code for _ in range(6)] == [200, 200, 500, 200, 200, 500]


def test_fault_slow_outlasts_a_time_out(catalogue: Path) -> None:
    with serving(catalogue, Faults.parse("slow:seconds=1")) as url:
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{url}/products", headers=KEY, timeout=0.3)
        assert get(url).json()["total"] == 25


def test_fault_truncated_is_no_json_and_has_no_etag(catalogue: Path) -> None:
    with serving(catalogue, Faults.parse("truncated:every=2")) as url:
        whole, cut = get(url), get(url)
    assert cut.status_code == 200
    assert whole.content.startswith(cut.content)
    assert "ETag" not in cut.headers
    with pytest.raises(requests.JSONDecodeError):
        cut.json()


def test_fault_repeated_page_sends_the_page_before_again(catalogue: Path) -> None:
    with serving(catalogue, Faults.parse("repeated_page:every=2")) as url:
        pages = [get(url, page=n, page_size=10).json() for n in (1, 2, 3)]
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert pages[1]["items"] == pages[0]["items"] == ITEMS[:10]
    assert pages[2]["items"] == ITEMS[20:]


def test_one_request_can_ask_for_a_fault(url: str) -> None:
    asked = requests.get(f"{url}/products", headers=KEY | {"X-Fault": "500"}, timeout=10)
    assert asked.status_code == 500
    assert get(url, fault="429:seconds=2").headers["Retry-After"] == "2"
    assert get(url, fault="503").status_code == 422
    assert get(url).status_code == 200


def test_requests_without_the_key_do_not_use_up_faults(catalogue: Path) -> None:
    with serving(catalogue, Faults.parse("500:first=1")) as url:
        assert requests.get(f"{url}/products", timeout=10).status_code == 401
        assert [get(url).status_code for _ in range(2)] == [500, 200]


def test_child_process_serves_the_demo_shop_and_ends_when_told(settings: Settings) -> None:
    generate(settings, scale=0.02)
    source = load_shop(settings).shop.products
    assert isinstance(source, ApiSource)
    assert source.api_key is not None
    assert (source.api_key.header, source.api_key.value) == ("X-API-Key", API_KEY)
    port = free_port(5750)
    child = _start(settings, port, "--fault", "500:first=1")
    try:
        url = source.api.format(mock_api=f"http://{LOOPBACK}:{port}")
        _wait(port, child)
        headers = {source.api_key.header: source.api_key.value}
        first, second = (requests.get(url, headers=headers, timeout=10) for _ in range(2))
        assert (first.status_code, second.status_code) == (500, 200)
        products = json.loads((settings.source_data / "catalogue.json").read_text())
        assert second.json()["items"] == products[:100]
        with pytest.raises(PortInUse, match=f"port {port}") as caught:
            serve(settings, port=port)
        assert str(child.pid) in (caught.value.found or str(child.pid))
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=15)


def test_child_process_says_what_is_wrong_with_its_options(settings: Settings) -> None:
    child = _start(settings, free_port(5750), "--fault", "5oo")
    _, error = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "error[unknown-fault]" in error
    assert "429, 500, slow, truncated, repeated_page" in error


def test_without_a_catalogue_it_says_to_generate(settings: Settings) -> None:
    with pytest.raises(NotReady, match="recomart generate"):
        serve(settings, port=free_port(5750))


def test_port_in_use_names_port_and_process(settings: Settings) -> None:
    generate(settings, scale=0.01)
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} .*in use") as caught:
            serve(settings, port=port)
    # macOS tells only root who holds a port
    assert sys.platform == "darwin" or f"process {os.getpid()} " in str(caught.value.found)


def _start(settings: Settings, port: int, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo_shop.mock_api", "--port", str(port), *options],
        env={**os.environ, **settings.environment()},
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait(port: int, child: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < end:
        try:
            requests.get(f"http://{LOOPBACK}:{port}/health", timeout=1)
            return
        except requests.ConnectionError:
            time.sleep(0.05)
    pytest.fail("the mock API did not start")


def test_it_answers_in_the_shape_that_the_shop_declares(tmp_path: Path) -> None:
    # The shape of https://dummyjson.com/products?limit=2&skip=2, from its documentation.
    served = served_for(load_settings(shop="dummyjson", lake=tmp_path / "lake", data=tmp_path))
    assert served.catalogue == tmp_path / "dummyjson" / "products.json"
    assert not served.needs_key
    products = [{"id": n, "meta": {"updatedAt": f"2025-04-0{n}T00:00:00Z"}} for n in range(1, 6)]
    served.catalogue.parent.mkdir()
    served.catalogue.write_text(json.dumps(products), encoding="utf-8")
    with serving(served.catalogue, shape=served.shape, key=None) as url:
        page = requests.get(f"{url}/products", {"limit": 2, "skip": 2}, timeout=5).json()
        last = requests.get(f"{url}/products", {"limit": 2, "skip": 4}, timeout=5).json()
        one = requests.get(f"{url}/products/3", timeout=5).json()
    assert page == {"products": products[2:4], "total": 5, "skip": 2, "limit": 2}
    assert last["products"] == products[4:]
    assert one == products[2]
