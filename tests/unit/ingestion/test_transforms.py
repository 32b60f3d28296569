"""Changes of a value, one at a time and in order; expected values are worked by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.mapping import fingerprint, select_list
from ingestion.shop_file import read_shop
from ingestion.sources.files import FileSource
from recomart.errors import ShopFileError
from recomart.shop.model import ENTITIES


@pytest.fixture(scope="module")
def connection() -> Any:
    with duckdb.connect() as made:
        yield made


def made(
    connection: Any, received: str | None, declared: dict[str, Any], decimal: str | None = None
) -> str | None:
    """The price that a declaration makes of a text."""
    source = FileSource.model_validate(
        {
            "files": "p.csv",
            "columns": {"product_id": "id", "price": {"column": "p", **declared}},
            **({"decimal": decimal} if decimal else {}),
        }
    )
    columns = select_list("products", source, {"id": "id", "p": "p"})
    query = f"select {columns} from (select '1' as id, ?::varchar as p)"
    row = connection.execute(query, [received]).fetchone()
    return dict(zip(ENTITIES["products"], row, strict=True))["price"]


CASES = [
    ({"strip": "$€ "}, "$ 10.00 €", "10.00"),
    ({"strip": "$€ "}, "$$", None),
    ({"strip": "'"}, "it's", "it's"),
    ({"split": "|", "element": "first"}, "Action|Crime|War", "Action"),
    ({"split": "|", "element": "last"}, "Action|Crime|War", "War"),
    ({"split": "|", "element": 2}, "Action|Crime|War", "Crime"),
    ({"split": "|", "element": -2}, "Action|Crime|War", "Crime"),
    ({"split": "|", "element": "all"}, "Action||Crime", "Action, Crime"),
    ({"split": "|", "element": 4}, "Action|Crime|War", None),
    ({"split": "|", "element": "last"}, "Action|", None),
    ({"split": " > ", "element": "last"}, "Home > Garden", "Garden"),
    ({"split": "|", "element": "first"}, "Action", "Action"),
    ({"element": "last"}, '["Gift Cards","Occasions"]', "Occasions"),
    ({"element": "first"}, '["a \\"b\\"", "c"]', 'a "b"'),
    ({"element": 2}, "[1,9007199254740993]", "9007199254740993"),
    ({"element": "all"}, '["a",null,"","b"]', "a, b"),
    ({"element": "first"}, "[]", None),
    ({"element": "first"}, "[null]", None),
    ({"element": "first"}, "Gift Cards", "Gift Cards"),
    ({"element": "first"}, '{"a": 1}', '{"a": 1}'),
    ({"element": "first"}, "[not JSON", "[not JSON"),
    ({"element": 1, "split": "/"}, "a/b", "a"),
    ({"strip": "[]", "split": ";", "element": "last"}, "[a;b]", "b"),
    ({"split": "]", "element": "first", "strip": "["}, "[a]b", "a"),
    ({"strip": " ", "values": {"x": "y"}}, " x ", "y"),
    ({"values": {" x ": "z"}, "strip": " "}, " x ", "z"),
    ({"values": {"x": "y"}, "strip": " "}, " x ", "x"),
    ({"strip": "*", "number": True}, "*$5*", "5"),
    ({"strip": "*", "number": True}, "*five*", "*five*"),
]


@pytest.mark.parametrize(("declared", "received", "ours"), CASES)
def test_a_text_is_changed_as_declared(
    connection: Any, declared: dict[str, Any], received: str, ours: str | None
) -> None:
    assert made(connection, received, declared) == ours
    assert made(connection, None, declared) is None


@pytest.mark.parametrize(
    ("number", "decimal", "received", "ours"),
    [
        (True, None, "$1,299.00", "1299.00"),
        (True, None, "US$ 1,299,000", "1299000"),
        (True, None, "EUR 12.5", "12.5"),
        (True, None, "12.50 €", "12.50"),
        (True, None, "-$5.00", "-5.00"),
        (True, None, "$-5.00", "-5.00"),
        (True, None, "1 299.00", "1299.00"),
        (True, None, "£0.299", "0.299"),
        (True, None, "$1234.567", "1234.567"),
        (True, None, "$1,299", "$1,299"),  # thousands, or a price with three decimals
        (True, None, "$1.299", "$1.299"),
        (True, None, "1.299,00 €", "1.299,00 €"),
        (True, None, "$12,99", "$12,99"),
        (True, ",", "1.299,00 €", "1299.00"),
        (True, ",", "1.299 €", "1299"),
        (True, ",", "12,99 zł", "12.99"),
        (True, ",", "$1,299.00", "$1,299.00"),
        (",", None, "1.299 €", "1299"),
        (".", None, "$1,299", "1299"),
        (".", ",", "1.299", "1.299"),
        (",", ",", "1,299", "1.299"),
        (True, None, "5k", "5k"),
        (True, None, "3 kg", "3 kg"),
        (True, None, "10 PCS", "10 PCS"),
        (True, None, "10-20", "10-20"),
        (True, None, "$", "$"),
        (True, None, "free", "free"),
        (True, None, "1,29,900.00", "1,29,900.00"),
        (True, None, "12.50.10", "12.50.10"),
    ],
)
def test_a_number_is_read_only_where_it_can_mean_one_thing(
    connection: Any, number: Any, decimal: str | None, received: str, ours: str
) -> None:
    assert made(connection, received, {"number": number}, decimal) == ours


amounts = st.decimals(0, 10**9, allow_nan=False, places=2)


@settings(deadline=None)
@given(amounts, st.sampled_from([("{:,.2f}", "."), ("${:,.2f}", "."), ("{:,.2f} EUR", ".")]))
def test_any_amount_is_read_back_by_either_decimal_sign(
    connection: Any, amount: Decimal, written: tuple[str, str]
) -> None:
    text = written[0].format(amount)
    assert Decimal(made(connection, text, {"number": "."}) or "") == amount
    swapped = text.translate(str.maketrans(",.", ".,"))
    assert Decimal(made(connection, swapped, {"number": ","}) or "") == amount
    undeclared = made(connection, text, {"number": True})
    assert undeclared == text or Decimal(undeclared or "") == amount


@pytest.mark.parametrize(
    ("received", "values", "code"),
    [
        ("$10.00", {}, "USD"),
        ("10,00 €", {}, "EUR"),
        ("£5", {}, "GBP"),
        ("CA$ 5", {}, "CAD"),
        ("$5 CAD", {}, "CAD"),
        ("EUR 5", {}, "EUR"),
        ("-€5", {}, "EUR"),
        ("$10.00", {"$": "AUD"}, "AUD"),
        ("¥500", {}, "¥"),
        ("¥500", {"¥": "JPY"}, "JPY"),
        ("10.00", {}, None),
        ("free", {}, None),
        (None, {}, None),
    ],
)
def test_the_sign_of_a_price_names_its_currency(
    connection: Any, received: str | None, values: dict[str, str], code: str | None
) -> None:
    currency = {"sign_of": "p", **({"values": values} if values else {})}
    source = FileSource.model_validate(
        {"files": "p.csv", "columns": {"product_id": "id", "price": "p", "currency": currency}}
    )
    columns = select_list("products", source, {"id": "id", "p": "p"})
    query = f"select currency from (select {columns} from (select '1' as id, ?::varchar as p))"
    assert connection.execute(query, [received]).fetchone() == (code,)


def test_the_order_of_the_changes_is_part_of_the_fingerprint() -> None:
    def of(**price: Any) -> str:
        columns = {"product_id": "id", "price": {"column": "p", **price}}
        return fingerprint(FileSource.model_validate({"files": "p.csv", "columns": columns}))

    assert of(strip="$", split="|", element=1) != of(split="|", element=1, strip="$")
    assert of(strip="$") != of(strip="€")
    assert of(strip="$", number=True) == of(strip="$", number=True)


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ('{column: p, stripp: "$"}', 'did you mean "strip"?'),
        ('{column: p, split: "|"}', "split needs element"),
        ("{column: p, element: 0}", "elements count from 1"),
        ("{column: p, element: middle}", "first"),
        ("{value: p, strip: x}", "strip goes with column, join, first_of"),
        ("{column: p, number: 3}", "number"),
    ],
)
def test_a_wrong_change_is_an_error_with_its_line(price: str, message: str) -> None:
    text = f"title: x\nevents: stream\nproducts:\n  files: p.csv\n  columns:\n    product_id: i\n    price: {price}\n"
    with pytest.raises(ShopFileError) as caught:
        read_shop(text, Path("x.yml"))
    assert "x.yml:7" in str(caught.value)
    assert message in str(caught.value)
