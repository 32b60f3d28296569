"""Where a list ends, and lists that move while they are read: against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ingestion.declaration import declarations
from ingestion.shop_file import load_shop
from ingestion.sources import Memory
from ingestion.sources import _http_client as http
from ingestion.sources._catalogue import Catalogue
from recomart.errors import CatalogueError, ShopFileError

DECLARED = """
products:
  api: "{url}"
  columns: {product_id: id, title: name}
ratings:
  files: "in/*.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""


class Api:
    """A list of products behind a real server, with a page cap of 10 and a page size of 5."""

    def __init__(self, user_shop: Any, server: HTTPServer) -> None:
        self.own, self.server = user_shop, server
        self.ids = list(range(23))
        self.cap, self.default = 10, 5
        self.requests: list[Request] = []
        self.before: Callable[[int], None] = lambda number: None
        self.answer: Callable[[Request], Response] = self.pages
        server.expect_request("/products").respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        self.requests.append(request)
        self.before(len(self.requests))
        return self.answer(request)

    def slice_of(self, request: Request, *, param: str = "page_size") -> tuple[int, int]:
        size = min(self.cap, int(request.args.get(param, self.default)))
        return (int(request.args.get("page", 1)) - 1) * size, size

    def items(self, first: int, size: int) -> list[dict[str, Any]]:
        return [{"id": one, "name": f"Product {one}"} for one in self.ids[first : first + size]]

    def pages(self, request: Request, **more: Any) -> Response:
        return Response(json.dumps({"items": self.items(*self.slice_of(request)), **more}))

    def read(self, keys: str = "") -> list[int]:
        """The ids that a fetch has, in order."""
        text = DECLARED.replace("{url}", self.server.url_for("/products"))
        self.own.declare(text.replace("  columns", f"{keys}  columns", 1))
        settings = self.own.settings
        declared = declarations(settings, load_shop(settings))["products"]
        bodies = Catalogue(declared, Memory()).bodies()
        pages = [json.loads(body) for body in bodies]
        return [
            item["id"] for page in pages for item in (page if type(page) is list else page["items"])
        ]

    def error(self, keys: str = "") -> str:
        with pytest.raises(CatalogueError) as caught:
            self.read(keys)
        return caught.value.render()


@pytest.fixture
def api(user_shop: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(http, "LONGEST_WAIT_SECONDS", 0.002)
    return Api(user_shop, httpserver)


@pytest.mark.parametrize("keys", ["", "  size_param: per_page\n", "  page_size: 10\n"])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 20, 23])
def test_a_page_shorter_than_asked_for_is_no_end(api: Api, count: int, keys: str) -> None:
    """100 a page are asked for, and 10 come; or 5, where the parameter has another name."""
    api.ids = list(range(count))
    assert api.read(keys) == api.ids


def test_a_list_without_a_total_is_read_twice_in_pages_of_another_size(api: Api) -> None:
    api.read("  page_size: 10\n")
    asked = [(r.args["page"], r.args["page_size"]) for r in api.requests]
    assert asked == [(str(n), "10") for n in range(1, 5)] + [(str(n), "9") for n in range(1, 5)]


@pytest.mark.parametrize("header", ["X-WP-Total", "X-Total-Count"])
def test_a_total_in_a_header_ends_the_list_and_is_checked(api: Api, header: str) -> None:
    def answer(request: Request) -> Response:
        body = json.dumps(api.items(*api.slice_of(request)))
        return Response(body, headers={header: str(said)})

    said = 23
    api.answer = answer
    assert api.read('  items: ""\n') == api.ids
    assert len(api.requests) == 3
    said = 24
    error = api.error('  items: ""\n')
    assert "page 4 says that there are 24 records, but the pages end before" in error
    assert api.read('  items: ""\n  total: null\n') == api.ids


def test_a_total_may_be_a_text(api: Api) -> None:
    api.answer = lambda request: api.pages(request, total="23")
    assert api.read() == api.ids
    assert len(api.requests) == 3


def test_a_server_that_counts_pages_by_the_size_it_did_not_give_is_found_out(api: Api) -> None:
    """It skips 100 records for each page and shows 10 of them: 10 of 23, then nothing."""

    def answer(request: Request) -> Response:
        asked = int(request.args["page_size"])
        first = (int(request.args["page"]) - 1) * asked
        return Response(json.dumps({"items": api.items(first, min(10, asked))}))

    api.answer = answer
    error = api.error()
    assert "two readings in a row do not have the same records" in error
    assert "10 records in pages of up to 10, then 23 in pages of up to 9" in error
    assert api.read("  page_size: 10\n") == api.ids


def test_a_page_beyond_the_last_may_be_absent(api: Api) -> None:
    def answer(request: Request) -> Response:
        first, _ = api.slice_of(request)
        return Response(status=404) if first >= len(api.ids) else api.pages(request)

    api.answer = answer
    assert api.read() == api.ids
    api.answer = lambda _: Response(status=404)
    assert "HTTP 404" in api.error()


def test_an_api_that_ignores_the_page_has_to_be_declared(api: Api) -> None:
    api.answer = lambda _: Response(json.dumps({"items": api.items(0, 99)}))
    error = api.error()
    assert "page 2 repeats the records of page 1" in error
    assert "paging: none" in error
    api.requests.clear()
    assert api.read("  paging: none\n") == api.ids
    assert len(api.requests) == 1
    linked = {"Link": '</products?page=2>; rel="next"'}
    api.answer = lambda _: Response(json.dumps({"items": api.items(0, 10)}), headers=linked)
    assert "page 1 links to a next one, although paging is none" in api.error("  paging: none\n")


def linked(api: Api, *, host: str = "", named: bool = True) -> Callable[[Request], Response]:
    """Pages whose Link header names the next by an opaque word."""

    def answer(request: Request) -> Response:
        first = int(request.args.get("after", "0x0"), 16)
        size = min(api.cap, int(request.args["page_size"]))
        body = json.dumps({"items": api.items(first, size)})
        more = first + size < len(api.ids) and named
        query = f"page_size={size}&after={first + size:#x}"
        link = f'<{host}/products?page_size=1&after=0x0>; rel="previous", <{host}/products?{query}>; rel="next"'
        return Response(body, headers={"Link": link} if more else {})

    return answer


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 23])
def test_links_in_the_header_are_followed_to_the_end(api: Api, count: int) -> None:
    api.ids = list(range(count))
    api.answer = linked(api)
    assert api.read("  paging: link\n") == api.ids
    # the end of a list of one page is shown by the links of smaller pages
    assert len(api.requests) == {0: 1, 1: 1, 2: 3, 9: 3, 10: 3, 11: 2, 23: 3}[count]


def test_a_server_without_links_is_no_list_of_one_page(api: Api) -> None:
    api.answer = linked(api, named=False)
    error = api.error("  paging: link\n")
    assert "10 records in pages of up to 10, then 9 in pages of up to 9" in error


def test_pages_of_a_fixed_size_are_declared(api: Api) -> None:
    """No parameter changes their size, so that smaller pages cannot show that links work."""
    api.ids = list(range(4))
    api.answer = lambda _: Response(json.dumps({"items": api.items(0, 5)}))
    fixed = "  paging: link\n  size_param: null\n"
    error = api.error(fixed)
    assert "page 1 names no next page, and nothing says that it is the last" in error
    assert "page_size: <that>" in error
    assert api.read(fixed + "  page_size: 5\n") == api.ids
    api.ids = list(range(5))
    assert "names no next page" in api.error(fixed + "  page_size: 5\n")


def test_a_link_to_another_host_needs_permission(api: Api) -> None:
    api.answer = linked(api, host="http://elsewhere.example")
    error = api.error("  paging: link\n")
    assert "error[host-not-allowed]" in error
    assert "links to http://elsewhere.example, which is not allowed" in error
    assert "allow_hosts: [elsewhere.example]" in error
    other = f"127.0.0.1:{api.server.port}"
    api.answer = linked(api, host=f"http://{other}")
    assert f"allow_hosts: [{other}]" in api.error("  paging: link\n")
    assert api.read(f'  paging: link\n  allow_hosts: ["{other}"]\n') == api.ids


def test_links_that_go_round_are_an_error(api: Api) -> None:
    def answer(request: Request) -> Response:
        again = "after=0x0" if "after" in request.args else "page_size=100&after=0xa"
        first = int(request.args.get("after", "0x0"), 16)
        link = {"Link": f'</products?{again}>; rel="next"'}
        return Response(json.dumps({"items": api.items(first, 10)}), headers=link)

    api.answer = answer
    error = api.error("  paging: link\n")
    assert "page 3 of the API of products keeps failing" in error
    assert "page 3 repeats the records of page 1" in error


def test_a_link_in_the_body_may_be_relative(api: Api) -> None:
    def answer(request: Request) -> Response:
        first, size = api.slice_of(request)
        more = f"?page={first // size + 2}&page_size={size}"
        said = {"total": 23, "links": {"next": more if first + size < 23 else None}}
        return Response(json.dumps({"items": api.items(first, size), "meta": said}))

    api.answer = answer
    keys = "  paging: link\n  next: meta.links.next\n  total: meta.total\n"
    assert api.read(keys) == api.ids
    assert len(api.requests) == 3
    assert "page 1 names no next page" not in api.error(keys.replace("links.next", "links.more"))


def cursors(api: Api, *, at_end: dict[str, Any], of_last: bool = False) -> Callable[..., Response]:
    def answer(request: Request) -> Response:
        first = int(request.args.get("after", "-1")) + 1
        size = min(api.cap, int(request.args["page_size"]))
        shown = api.items(first, size)
        is_last = first + size >= len(api.ids)
        more = at_end if is_last else {"cursor": first + size - 1, "has_more": True}
        if of_last:
            more = {"has_more": not is_last}
        return Response(json.dumps({"items": shown, **more}))

    return answer


CURSOR = "  paging: cursor\n  cursor: cursor\n  cursor_param: after\n"
OF_LAST = "  paging: cursor\n  cursor: id\n  cursor_in: last_item\n  cursor_param: after\n"


@pytest.mark.parametrize("at_end", [{}, {"cursor": None}, {"cursor": "", "has_more": False}])
@pytest.mark.parametrize("count", [0, 1, 2, 10, 11, 23])
def test_a_cursor_in_the_page_leads_to_the_end(api: Api, count: int, at_end: Any) -> None:
    api.ids = list(range(count))
    api.answer = cursors(api, at_end=at_end)
    assert api.read(CURSOR) == api.ids


def test_the_last_record_may_be_the_cursor(api: Api) -> None:
    api.answer = cursors(api, at_end={}, of_last=True)
    assert api.read(OF_LAST + "  more: has_more\n") == api.ids
    assert [r.args.get("after") for r in api.requests] == [None, "9", "19"]
    api.requests.clear()
    assert api.read(OF_LAST) == api.ids, "until an empty page"
    assert [r.args.get("after") for r in api.requests] == [None, "9", "19", "22"]


def test_a_cursor_that_no_page_has_is_no_list_of_one_page(api: Api) -> None:
    api.answer = cursors(api, at_end={})
    error = api.error(CURSOR.replace("cursor: cursor\n  c", "cursor: meta.cursor\n  c"))
    assert "10 records in pages of up to 10, then 9 in pages of up to 9" in error
    assert "does not say true or false at 'hasMore'" in api.error(CURSOR + "  more: hasMore\n")
    wrong = OF_LAST.replace("cursor: id", "cursor: sku")
    assert "page 1 goes on, but its last record has no cursor at 'sku'" in api.error(wrong)


def test_a_cursor_that_repeats_is_an_error(api: Api) -> None:
    def answer(request: Request) -> Response:
        first = 10 if "after" in request.args else 0
        return Response(json.dumps({"items": api.items(first, 10), "cursor": "abc"}))

    api.answer = answer
    error = api.error(CURSOR)
    assert "page 2 has the cursor of page 1" in error
    assert "found: abc" in error
    assert "check cursor and cursor_param" in error


def change_once(api: Api, number: int, change: Callable[[], Any]) -> None:
    """Change the list before the Nth request."""
    api.before = lambda count: change() if count == number else None


def with_total(api: Api) -> Callable[[Request], Response]:
    return lambda request: api.pages(request, total=len(api.ids))


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("has_total", [True, False])
def test_a_deletion_between_two_pages_loses_no_other_record(
    api: Api, number: int, has_total: bool
) -> None:
    """Record 2 goes away. Without a second reading, record 10 or 20 would be in no page."""
    if has_total:
        api.answer = with_total(api)
    change_once(api, number, lambda: api.ids.remove(2))
    assert api.read() == [one for one in range(23) if one != 2]


@pytest.mark.parametrize("place", [0, 23])
@pytest.mark.parametrize("has_total", [True, False])
def test_an_addition_between_two_pages_doubles_no_record(
    api: Api, place: int, has_total: bool
) -> None:
    if has_total:
        api.answer = with_total(api)
    change_once(api, 2, lambda: api.ids.insert(place, 99))
    assert sorted(api.read()) == [*range(23), 99]


def test_a_record_that_moves_to_the_end_is_read_again(api: Api) -> None:
    """The total stays: record 0 is on two pages, and record 10 would be on none."""
    api.answer = with_total(api)
    change_once(api, 2, lambda: api.ids.append(api.ids.pop(0)))
    assert sorted(api.read()) == list(range(23))


def test_a_list_that_never_rests_is_an_error(api: Api) -> None:
    def change(count: int) -> None:
        api.ids.insert(0, 100 + count)

    api.answer = with_total(api)
    api.before = change
    error = api.error()
    assert "error[catalogue-lies]" in error
    assert "page 2 says that there are" in error
    assert "Ask for a fixed order in the URL of api" in error


def test_an_order_that_changes_from_page_to_page_is_an_error(api: Api) -> None:
    """The server breaks ties in another way for each page: the same in each reading."""

    def answer(request: Request) -> Response:
        first, size = api.slice_of(request)
        api.ids = list(range(23))
        if first:
            api.ids[first - 1 : first + 1] = [first, first - 1]
        return Response(json.dumps({"items": api.items(first, size), "total": 23}))

    api.answer = answer
    error = api.error("  page_size: 10\n")
    assert "two readings in a row do not have the same records" in error


def test_a_list_that_has_a_record_twice_on_purpose_is_taken_as_it_is(api: Api) -> None:
    api.ids = [*range(15), 3, *range(15, 23)]
    api.answer = with_total(api)
    assert api.read() == api.ids
    # pages of one size only prove nothing
    api.answer = lambda r: Response(
        json.dumps({"items": api.items((int(r.args["page"]) - 1) * 10, 10), "total": 24})
    )
    error = api.error()
    assert "record 3 is on page 1 and on page 2" in error
    assert "item_key: []" in error
    assert api.read("  item_key: []\n") == api.ids


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("  paging: cursor\n", "paging: cursor needs cursor (its path) and cursor_param"),
        ("  cursor: next\n", "cursor goes with paging: cursor"),
        ("  paging: cursor\n  cursor: a\n  cursor_param: b\n  next: c\n", "next goes with"),
    ],
)
def test_keys_of_another_paging_are_an_error(api: Api, keys: str, message: str) -> None:
    with pytest.raises(ShopFileError) as caught:
        api.read(keys)
    assert message in caught.value.render()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_one_change_at_any_moment_gives_the_list_before_it_or_after_it(
    api: Api, data: st.DataObject
) -> None:
    """Any list, page size, cap and paging; a record is added, deleted, moved, or replaced by a newer one
    that comes first, before any request."""
    api.requests.clear()
    api.ids = list(range(data.draw(st.integers(1, 20), "records")))
    api.cap = data.draw(st.integers(2, 12), "cap")
    has_total = data.draw(st.booleans(), "total")
    paging = data.draw(st.sampled_from(["page", "offset", "link"]), "paging")
    place, to = (data.draw(st.integers(0, len(api.ids) - 1), name) for name in ("place", "to"))
    changes: dict[str, Callable[[], Any]] = {
        "nothing": lambda: None,
        "added": lambda: api.ids.insert(place, 99),
        "deleted": lambda: api.ids.pop(place),
        "moved": lambda: api.ids.insert(to, api.ids.pop(place)),
        "replaced": lambda: api.ids.insert(0, 99 + api.ids.pop(place)),
    }
    change_once(
        api,
        data.draw(st.integers(1, 12), "before request"),
        changes[data.draw(st.sampled_from(sorted(changes)), "change")],
    )

    def answer(request: Request) -> Response:
        size = min(api.cap, int(request.args["page_size"]))
        page = int(request.args.get("page", 1))
        first = page if paging == "offset" else (page - 1) * size
        body: dict[str, Any] = {"items": api.items(first, size)}
        if has_total:
            body["total"] = len(api.ids)
        link = f'</products?page_size={size}&page={page + 1}>; rel="next"'
        more = paging == "link" and first + size < len(api.ids)
        return Response(json.dumps(body), headers={"Link": link} if more else {})

    api.answer = answer
    before = list(api.ids)
    size = data.draw(st.integers(2, 12), "page size")
    found = api.read(f"  paging: {paging}\n  page_size: {size}\n")
    assert sorted(found) in (sorted(before), sorted(api.ids))
