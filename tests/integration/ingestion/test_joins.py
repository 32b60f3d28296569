"""`join`: columns from other files, in which records are looked up by a key."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ingestion.ingest import ingest
from onboarding.check import check
from recomart.errors import SourceError
from tests.integration.ingestion.conftest import UserShop

SHOP = """
transactions:
  files: "in/lines*.csv"
  join:
    - files: "in/orders*.csv"
      delimiter: ";"
      on: {order: number}
      columns: [customer, placed, status]
    - files: "in/customers.jsonl"
      format: jsonl
      on: {customer: id}
      columns: {person: user.name}
  where: {status: paid}
  columns: {order_id: order, line_no: line, user_id: person, product_id: sku, ordered_at: placed}
users:
  made_from: transactions
  columns: {user_id: person}
products:
  files: "in/products.csv"
  join: {files: "in/kinds.csv", on: kind, columns: [english]}
  columns: {product_id: id, category: {first_of: [english, kind]}}
ratings:
  files: "in/ratings.csv"
  columns: {user_id: u, product_id: p, rating: r, rated_at: t}
"""
FILES = {
    "lines.csv": "order,line,sku\n1,1,pot\n1,2,pan\n2,1,pot\n3,1,lid\n9,1,pot\n",
    "orders.csv": "number;customer;placed;status\nNULL;c1;2026-01-01;paid\nNULL;c2;2026-01-01;paid\n1;c1;2026-01-01;paid\n2;c2;2026-01-02;open\n"
    "3;c9;2026-01-03;paid\n",
    "customers.jsonl": '{"id": "c1", "user": {"name": "ann"}}\n{"id": "c2", "user": {"name": "bob"}}\n',
    "products.csv": "id,kind\npot,topf\npan,pfanne\n",
    "kinds.csv": "kind,english\ntopf,pot\n",
    "ratings.csv": "u,p,r,t\nann,pot,5,2026-01-01\n",
}


@pytest.fixture
def shop(user_shop: UserShop) -> UserShop:
    user_shop.declare(SHOP)
    for name, content in FILES.items():
        user_shop.write(name, content)
    return user_shop


def lines(shop: UserShop) -> list[tuple[str | None, ...]]:
    return shop.query(
        "select order_id, line_no, user_id, product_id, ordered_at from raw.transactions "
        "order by _batch_id, _record"
    )


JOINED = [
    ("1", "1", "ann", "pot", "2026-01-01"),
    ("1", "2", "ann", "pan", "2026-01-01"),
    ("3", "1", None, "lid", "2026-01-03"),
]


def test_lines_take_columns_from_their_order_and_it_from_its_customer(shop) -> None:
    summary = ingest(shop.settings)
    assert lines(shop) == JOINED
    assert shop.query("select product_id, category from raw.products order by 1") == [
        ("pan", "pfanne"), ("pot", "pot"),
    ]  # fmt: skip
    assert shop.query("select user_id from raw.users order by 1") == [("ann",), ("bob",)]
    account = shop.query(
        "select entity, records, filtered, unmatched from raw._loads order by entity"
    )
    # of the order lines, order 9 is in no file, and order 3 has a customer who is in none
    assert account == [
        ("products", 2, None, 1),
        ("ratings", 1, None, None),
        ("transactions", 5, 2, 2),
        ("users", 2, None, 2),
    ]
    assert "5 without a match in a lookup" in summary.result().detail


def test_shop_check_looks_samples_up_and_says_for_which_there_is_nothing(shop) -> None:
    texts = [p.render() for p in check(shop.settings)]
    assert any("in/products.csv: in/kinds.csv has nothing for 50.0%" in text for text in texts)
    assert any("in/orders.csv has nothing for 20.0%" in t and "order: 9" in t for t in texts)
    assert not [text for text in texts if text.startswith("error")]
    shop.write("kinds.csv", "kind,english\ntopf,pot\ntopf,pan\n")
    assert "repeated-key" in [p.code for p in check(shop.settings)]


def test_the_ledger_names_the_bytes_of_a_lookup_and_they_are_landed(shop) -> None:
    ingest(shop.settings)
    [(text,)] = shop.query("select lookups from raw._loads where entity = 'transactions'")
    named = json.loads(text)
    assert list(named) == ["in/orders.csv", "in/customers.jsonl"]
    folder = shop.settings.raw / "lookups" / "transactions"
    landed = folder / f"{named['in/orders.csv']}.csv"
    assert landed.read_text() == FILES["orders.csv"]
    assert shop.query("select lookups from raw._loads where entity = 'ratings'") == [(None,)]


def test_a_changed_lookup_reloads_the_batches_of_its_source_and_no_others(shop) -> None:
    ingest(shop.settings)
    shop.write("lines2.csv", "order,line,sku\n2,2,pan\n")
    ingest(shop.settings)
    assert ingest(shop.settings).result().count == 0, "nothing changed"
    (shop.folder / "in" / "lines.csv").unlink()  # its bytes are landed
    shop.write("orders.csv", FILES["orders.csv"].replace("open", "paid"))
    summary = ingest(shop.settings)
    assert {(b.entity, b.source_file) for b in summary.reloaded} == {
        ("transactions", "in/lines.csv"), ("transactions", "in/lines2.csv"),
        ("users", "in/lines.csv"), ("users", "in/lines2.csv"),
    }  # fmt: skip
    assert lines(shop) == [
        *JOINED[:2], ("2", "1", "bob", "pot", "2026-01-02"), JOINED[2],
        ("2", "2", "bob", "pan", "2026-01-02"),
    ]  # fmt: skip
    assert shop.query("select count(distinct lookups) from raw._loads where entity = 'users'") == [
        (1,)
    ]
    shop.write("orders4.csv", "number;customer;placed;status\n9;c1;2026-01-09;paid\n")
    ingest(shop.settings)
    assert ("9", "1", "ann", "pot", "2026-01-09") in lines(shop)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "orders.csv",
            FILES["orders.csv"] + "1;c2;2026-01-05;paid\n2;c2;2026-01-05;paid\n",
            ["the lookup has the key number 1 2 times", "in/orders.csv, record 3; in/orders.csv, record 6", "and also 2"],
        ),
        ("orders.csv", FILES["orders.csv"] + "4;c1\n", ["in/orders.csv has lines that cannot be read (1)", "line 7: 2 fields, expected 4"]),
        ("orders.csv", FILES["orders.csv"].replace("placed", "date"), ['has no column "placed"', 'did you mean "date"']),
        ("customers.jsonl", '{"id": "c1", "name": "ann"}\n', ['has no column "user.name"']),
        ("orders.csv", None, ["no file matches"]),
    ],
    ids=["twice", "broken", "renamed", "key", "absent"],
)  # fmt: skip
def test_a_lookup_with_a_problem_keeps_what_was_loaded_and_others_load(
    shop, name: str, content: str | None, message: list[str]
) -> None:
    ingest(shop.settings)
    path = shop.folder / "in" / name
    path.unlink()
    if content is not None:
        shop.write(name, content)
    shop.write("lines2.csv", "order,line,sku\n1,3,lid\n")
    shop.write("ratings.csv", "u,p,r,t\nbob,pot,4,2026-01-01\n")
    with pytest.raises(SourceError) as caught:
        ingest(shop.settings)
    for part in message:
        assert part in str(caught.value)
    assert "own.yml:" in str(caught.value)
    assert lines(shop) == JOINED
    assert shop.query("select count(*) from raw.ratings") == [(2,)]
    shop.write(name, FILES[name])
    ingest(shop.settings)
    assert lines(shop) == [*JOINED, ("1", "3", "ann", "lid", "2026-01-01")]


def test_a_column_that_the_file_has_too_needs_another_name(
    shop, error_of: Callable[..., str]
) -> None:
    shop.write("lines.csv", "order,line,sku,status\n1,1,pot,new\n")
    shop.declare(SHOP.replace("where: {status: paid}", "ignore: [status]"))
    error = error_of(ingest, shop.settings)
    assert "the column status is in the file and comes from in/orders.csv, too" in error
    shop.declare(
        SHOP.replace("where: {status: paid}", "ignore: [status]").replace(
            "[customer, placed, status]",
            "{customer: customer, placed: placed, order_status: status}",
        )
    )
    ingest(shop.settings)
    assert lines(shop) == [("1", "1", "ann", "pot", "2026-01-01")]


def test_keys_of_a_join_are_checked_with_their_lines(shop, error_of: Callable[..., str]) -> None:
    shop.declare(SHOP.replace('delimiter: ";"', 'delimitr: ";"'))
    error = error_of(ingest, shop.settings)
    assert 'did you mean "delimiter"' in error
    assert "own.yml:8" in error
    shop.declare(SHOP.replace("on: {order: number}", "on: {ordr: number}"))
    error = error_of(ingest, shop.settings)
    assert 'has no column "ordr" for join' in error
    assert 'did you mean "order"' in error
