"""What ingestion writes of cancellations, for dbt to match: the mark, and the order that it names."""

from __future__ import annotations

import json

import pytest
from pytest_httpserver import HTTPServer

from ingestion.ingest import ingest
from tests.integration.ingestion.conftest import UserShop

SHOP = """
transactions:
  SOURCE
  cancellations: {CANCELLATIONS}
  columns: {order_id: id, line_no: item, user_id: who, product_id: item, quantity: n, ordered_at: at}
"""
BY_TYPE = "where: {type: [refund, return]}, of_order: origin"
LINES = [
    {"id": "1", "item": "a", "who": "u", "n": "2", "at": "2024-01-01", "type": "sale"},
    {
        "id": "2",
        "item": "a",
        "who": "u",
        "n": "1",
        "at": "2024-01-02",
        "type": "refund",
        "origin": "1",
    },
    {"id": "3", "item": "a", "who": "u", "n": "1", "at": "2024-01-03", "type": "return"},
    {"id": "4", "item": "a", "who": "u", "n": "-1", "at": "2024-01-04", "origin": "1"},
]
MARKS = "select _cancels, _cancelled_order from raw.transactions order by _record"


def _declare(shop: UserShop, source: str, cancellations: str = BY_TYPE) -> None:
    text = SHOP.replace("SOURCE", source).replace("CANCELLATIONS", cancellations)
    shop.declare(text)


EXPECTED = [(False, None), (True, "1"), (True, None), (False, "1")]


def test_json_lines_are_marked_though_few_have_the_keys(user_shop: UserShop) -> None:
    user_shop.write("a.jsonl", "".join(json.dumps(line) + "\n" for line in LINES))
    _declare(user_shop, 'files: "in/*.jsonl"\n  format: jsonl')
    ingest(user_shop.settings)
    assert user_shop.query(MARKS) == EXPECTED


def test_a_line_is_marked_by_its_type_and_names_its_order(user_shop: UserShop) -> None:
    names = ["id", "item", "who", "n", "at", "type", "origin"]
    lines = [",".join(names), *(",".join(line.get(n, "") for n in names) for line in LINES)]
    user_shop.write("a.csv", "\n".join(lines) + "\n")
    _declare(user_shop, 'files: "in/*.csv"')
    ingest(user_shop.settings)
    assert user_shop.query(MARKS) == EXPECTED
    # other signs need no mark of ours, and another declaration loads the bytes again
    _declare(user_shop, 'files: "in/*.csv"\n  ignore: [type, origin]', "negative_quantity: true")
    assert len(ingest(user_shop.settings).reloaded) == 1
    assert user_shop.query(MARKS) == [(False, None)] * 4


def test_an_answer_without_any_cancellation_is_no_error(
    user_shop: UserShop, httpserver: HTTPServer
) -> None:
    line = {key: value for key, value in LINES[0].items() if key != "type"}
    httpserver.expect_request("/p").respond_with_json({"items": [line], "total": 1})
    _declare(user_shop, f'api: "{httpserver.url_for("/p")}"')
    ingest(user_shop.settings)
    assert user_shop.query(MARKS) == [(False, None)]


@pytest.mark.parametrize(
    ("cancellations", "message", "key"),
    [
        ("where: {kind: refund}", 'has no column "kind"', "cancellations.where.kind"),
        (
            "negative_quantity: true, of_order: orign",
            'did you mean "origin"?',
            "cancellations.of_order",
        ),
    ],
)
def test_a_column_that_is_not_there_is_an_error(
    user_shop: UserShop, error_of, cancellations: str, message: str, key: str
) -> None:
    user_shop.write("a.csv", "id,item,who,n,at,type,origin\n1,a,u,1,2024-01-01,sale,\n")
    _declare(user_shop, 'files: "in/*.csv"\n  ignore: [type, origin]', cancellations)
    error = error_of(ingest, user_shop.settings)
    assert message in error
    assert f"transactions.{key}" in error


@pytest.mark.parametrize(
    ("cancellations", "message"),
    [
        ("of_order: origin", "needs negative_quantity, order_prefix or where"),
        ("order_prefix: ''", "at least 1 character"),
        ("negative_quantities: true", 'did you mean "negative_quantity"?'),
    ],
)
def test_a_declaration_that_marks_nothing_is_an_error(
    user_shop: UserShop, error_of, cancellations: str, message: str
) -> None:
    _declare(user_shop, "files: x.csv", cancellations)
    assert message in error_of(ingest, user_shop.settings)


def test_only_order_lines_are_cancelled(user_shop: UserShop, error_of) -> None:
    user_shop.declare(
        "ratings: {files: x, cancellations: {where: {a: b}}, "
        "columns: {user_id: a, product_id: b, rating: c, rated_at: d}}"
    )
    assert "ratings have no cancellations" in error_of(ingest, user_shop.settings)
