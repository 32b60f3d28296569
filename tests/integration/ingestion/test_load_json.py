"""JSON documents, nested lists in files, and keys that the shop file does not declare."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ingestion.ingest import ingest
from onboarding.check import check
from recomart.errors import SourceError

SHOP = """
events: stream
products:
  files: "in/*.json"
  format: json
  items: shop.products
  columns: {product_id: id, title: name, price: price.amount}
  ignore: [stock]
ratings:
  made_from: products
  each: reviews
  columns: {user_id: who, product_id: ^.id, rating: stars, rated_at: at}
"""
PRODUCTS = """{"shop": {"name": "x", "products": [
  {"id": 9007199254740993, "name": "Pot", "price": {"amount": 1.10}, "stock": 3,
   "reviews": [{"who": "u1", "stars": 5, "at": "2026-01-01"}, {"who": "u2", "stars": 4, "at": "2026-01-02"}]},
  {"id": 9007199254740992, "name": "Pan", "price": {"amount": 2}, "colour": "red"},
  {"id": 3, "id": 4, "name": "Lid"},
  "nothing"
]}, "total": 4}"""


def test_a_document_gives_its_list_and_the_lists_inside_it(user_shop) -> None:
    user_shop.declare(SHOP)
    user_shop.write("p.json", PRODUCTS)
    summary = ingest(user_shop.settings)
    assert user_shop.query("select product_id, title, price from raw.products order by _record") == [
        ("9007199254740993", "Pot", "1.10"), ("9007199254740992", "Pan", "2"),
    ]  # fmt: skip
    assert user_shop.query(
        "select user_id, product_id, rating, _record from raw.ratings order by _record"
    ) == [("u1", "9007199254740993", "5", 1), ("u2", "9007199254740993", "4", 2)]
    assert user_shop.query(
        "select entity, lines, records, rejected, undeclared from raw._loads order by batch_id"
    ) == [("products", 4, 2, 2, '{"colour": 1}'), ("ratings", 4, 2, 2, None)]
    assert "not declared: colour (1)" in summary.result().detail
    reasons = user_shop.query("select line, reason from raw.rejects where batch_id = '00000001'")
    assert sorted(reasons) == [
        (3, 'not a JSON object: the key "id" occurs twice'),
        (4, "not a JSON object: a JSON str, expected an object"),
    ]
    assert [p.render() for p in check(user_shop.settings) if p.severity == "error"] == []


def test_a_document_that_is_cut_off_loads_nothing_and_another_loads(user_shop) -> None:
    user_shop.declare(SHOP)
    user_shop.write("p.json", PRODUCTS)
    user_shop.write("q.json", PRODUCTS[: PRODUCTS.index('"nothing"')])
    with pytest.raises(SourceError) as caught:
        ingest(user_shop.settings)
    assert "in/q.json is not a whole JSON document" in str(caught.value)
    assert "it ends inside the list" in str(caught.value)
    assert user_shop.query("select distinct _source_file from raw.products") == [("in/p.json",)]


def test_a_list_under_another_name_is_an_error_that_names_it(
    user_shop, error_of: Callable[..., str]
) -> None:
    user_shop.declare(SHOP.replace("shop.products", "products"))
    user_shop.write("p.json", PRODUCTS)
    error = error_of(ingest, user_shop.settings)
    assert "in/p.json has no list at 'products'" in error
    assert "own.yml:8   products.items: 'products'" in error
    assert "help: set items: shop.products" in error


LINES = """
transactions:
  files: "in/*.jsonl"
  format: jsonl
  each: cart.lines
  columns: {order_id: ^.id, line_no: "#", user_id: ^.user, product_id: sku, ordered_at: ^.at}
"""


def test_lists_inside_json_lines_are_the_records(user_shop) -> None:
    user_shop.declare(LINES)
    order = {
        "id": 7,
        "user": "u1",
        "at": "2026-01-01",
        "cart": {"lines": [{"sku": "a"}, {"sku": "b"}]},
    }
    user_shop.write(
        "o.jsonl", f"{json.dumps(order)}\n\nrubbish\n{json.dumps(order | {'cart': 1})}\n"
    )
    ingest(user_shop.settings)
    assert user_shop.query("select order_id, line_no, product_id from raw.transactions") == [
        ("7", "1", "a"), ("7", "2", "b"),
    ]  # fmt: skip
    assert user_shop.query("select lines, blank, rejected, records from raw._loads") == [
        (4, 1, 1, 2)
    ]
    assert user_shop.query("select line, text from raw.rejects") == [(3, "rubbish")]


EVENT = '{"id": "e1", "type": "view", "user": "u1", "at": "2026-01-01"}\n'
EVENTS = """
events:
  files: "in/*.jsonl"
  format: jsonl
  columns: {event_id: id, event_type: type, user_id: user, occurred_at: at}
"""


def test_a_rare_json_key_is_counted_and_its_records_load(user_shop) -> None:
    user_shop.declare(EVENTS)
    rare = EVENT.replace("}", ', "coupon": 3}')
    user_shop.write("e.jsonl", EVENT * 3000 + rare * 2 + EVENT * 10 + rare)
    result = ingest(user_shop.settings).result()
    assert result.count == 3013
    assert result.detail.endswith("not declared: coupon (3)")
    assert user_shop.query("select records, undeclared from raw._loads") == [
        (3013, '{"coupon": 3}')
    ]
    user_shop.declare(EVENTS.replace("columns", "ignore: [coupon]\n  columns"))
    assert "not declared" not in ingest(user_shop.settings).result().detail
    assert user_shop.query("select undeclared from raw._loads") == [(None,)]


def test_an_undeclared_csv_column_is_counted_where_the_source_is_not_strict(user_shop) -> None:
    shop = """
    ratings:
      files: "in/*.csv"
      {strict}
      columns: {{user_id: user, product_id: item, rating: stars, rated_at: time}}
    """
    user_shop.write(
        "a.csv", "user,item,stars,time,note\nu1,p1,5,2026-01-01,x\nu2,p1,4,2026-01-01,\n"
    )
    user_shop.declare(shop.format(strict="strict: false"))
    assert [p.severity for p in check(user_shop.settings) if p.code == "unknown-column"] == [
        "warning"
    ]
    assert ingest(user_shop.settings).result().detail.endswith("not declared: note (2)")
    user_shop.declare(shop.format(strict=""))
    user_shop.write("b.csv", "user,item,stars,time,note\nu1,p1,5,2026-01-01,x\n")
    with pytest.raises(SourceError, match="note"):
        ingest(user_shop.settings)


def test_prices_with_signs_and_lists_of_categories_are_read(user_shop) -> None:
    user_shop.declare(
        """
        events: stream
        products:
          files: "in/*.jsonl"
          format: jsonl
          columns:
            product_id: asin
            category: {column: categories, element: last}
            price: {column: price, number: true}
            currency: {sign_of: price}
        """
    )
    cards = [
        {"asin": "B1", "price": "$1,010.50", "categories": ["Cards", "Birthday"]},
        {"asin": "B2", "price": "€9", "categories": []},
        {"asin": "B3", "price": "from $5", "categories": None},
        {"asin": "B4", "price": 7.50, "categories": ["Cards"]},
    ]
    user_shop.write("p.jsonl", "".join(f"{json.dumps(card)}\n" for card in cards))
    ingest(user_shop.settings)
    assert user_shop.query(
        "select product_id, category, price, currency from raw.products order by _record"
    ) == [
        ("B1", "Birthday", "1010.50", "USD"),
        ("B2", None, "9", "EUR"),
        ("B3", None, "from $5", None),
        ("B4", "Cards", "7.5", None),
    ]
