"""The column mapping as SQL."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, Literal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.declaration import declarations
from ingestion.mapping import expression, fingerprint, numbered_keys, select_list
from ingestion.shop_file import read_shop
from ingestion.sources.files import FileSource
from recomart.events import key_hash
from recomart.settings import load_settings
from recomart.shop.model import ENTITIES, Column

PLACES = {"a": "c0", "b'c": "c1"}


def made(column: Column | None, a: str | None, b: str | None) -> str | None:
    with duckdb.connect() as connection:
        row = connection.execute(
            f"select {expression(column, PLACES)} from (select ?::varchar as c0, ?::varchar as c1)",
            [a, b],
        ).fetchone()
    assert row is not None
    return row[0]


def test_a_column_is_taken_as_it_is() -> None:
    assert made(Column(column="b'c"), "1", "x") == "x"


def test_a_number_counts_the_records_that_are_equal_in_some_columns() -> None:
    """Out of order, over missing values, and never by a column that is not named."""
    rows = [("o1", "x", 3), ("o2", "x", 1), ("o1", "y", 2), (None, "x", 4), ("", "x", 5)]
    column = Column.model_validate({"number_within": "a"})
    assert column.reads == ("a",)
    with duckdb.connect() as connection:
        connection.execute("create table found (c0 varchar, c1 varchar, _record bigint)")
        connection.executemany("insert into found values (?, ?, ?)", rows)
        query = f"select _record, {expression(column, PLACES)} from found order by _record"
        assert connection.execute(query).fetchall() == [
            (1, "1"),
            (2, "1"),
            (3, "2"),
            (4, "1"),
            (5, "2"),
        ]


numbers = st.sampled_from(["a", "b", "a#1", "a#2", "a#2#1", "#2", ""])


@given(lines=st.lists(st.tuples(numbers, st.sampled_from("xy")), max_size=12), seed=st.randoms())
def test_equal_lines_get_keys_of_their_own_whatever_their_order(
    lines: list[tuple[str, str]], seed: Random
) -> None:
    """The oracle is the multiset of lines: as many keys as copies, and no two lines share a key."""
    with duckdb.connect() as connection:
        empty = ", ".join(
            f"null::varchar as {c}"
            for c in ENTITIES["transactions"]
            if c not in ("line_no", "user_id")
        )

        def keyed(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
            connection.execute(
                "create or replace table found (line_no varchar, user_id varchar, _record int)"
            )
            for number, line in enumerate(found):
                connection.execute("insert into found values (?, ?, ?)", [*line, number])
            query = f"select {numbered_keys('transactions')} from (select *, {empty} from found)"
            return connection.execute(f"select line_no, user_id from ({query})").fetchall()

        keys = keyed(lines)
        shuffled = list(lines)
        seed.shuffle(shuffled)
        assert sorted(keyed(shuffled)) == sorted(keys)
    assert len(set(keys)) == len(lines)
    assert sum(key in {line for line, _ in lines} and "#" not in key for key, _ in keys) == len(
        {line for line in lines if "#" not in line[0]}
    )


def test_an_unmapped_column_is_null() -> None:
    assert made(None, "1", "x") is None


def test_a_value_may_hold_quotes() -> None:
    assert made(Column(value="it's"), None, None) == "it's"


@pytest.mark.parametrize(
    ("a", "b", "joined", "first"),
    [
        ("milk", "1 GA", "milk 1 GA", "milk"),
        ("milk", None, "milk", "milk"),
        ("", "1 GA", "1 GA", "1 GA"),
        (None, None, None, None),
        ("", "", None, None),
    ],
)
def test_columns_are_joined_or_the_first_that_is_not_empty_is_taken(
    a: str | None, b: str | None, joined: str | None, first: str | None
) -> None:
    assert made(Column(join=("a", "b'c")), a, b) == joined
    assert made(Column(first_of=("a", "b'c")), a, b) == first


def test_values_are_translated_and_others_stay() -> None:
    column = Column(column="a", values={"pv": "view", "o'k": ""})
    assert made(column, "pv", None) == "view"
    assert made(column, "buy", None) == "buy"
    assert made(column, "o'k", None) is None
    assert made(column, None, None) is None


def test_the_first_flag_that_is_set_gives_the_text() -> None:
    column = Column(first_flag={"b'c": "Children's", "a": "Drama"})
    assert made(column, "1", "1") == "Children's"
    assert made(column, "1", "0") == "Drama"
    assert made(column, "0", None) is None


@pytest.mark.parametrize(("a", "b"), [("1", "x"), (None, "x"), ("1", None), (None, None)])
def test_a_hashed_key_equals_the_stream_replay_s(a: str | None, b: str | None) -> None:
    assert made(Column(hash_of=("a", "b'c")), a, b) == key_hash(a, b)


@given(st.text(max_size=8), st.text(max_size=8))
def test_any_text_hashes_as_in_python(a: str, b: str) -> None:
    a, b = a.replace("\0", ""), b.replace("\0", "")
    assert made(Column(hash_of=("a", "b'c")), a, b) == key_hash(a, b)


def test_only_what_changes_rows_changes_the_fingerprint() -> None:
    source = FileSource(files=("a",), columns={"user_id": Column(column="u")})
    same = source.model_copy(update={"files": ("b",), "time_format": "epoch_seconds"})
    other = source.model_copy(update={"columns": {"user_id": Column(column="v")}})
    assert fingerprint(source) == fingerprint(same)
    assert fingerprint(source) != fingerprint(other)


@pytest.mark.parametrize(
    ("decimal", "received", "ours"),
    [
        (",", "19,99", "19.99"),
        (",", "1.299,00", "1299.00"),
        (",", "1.299", "1299"),
        (",", "-3,5", "-3.5"),
        (",", "7", "7"),
        (",", "1 299,00", "1299.00"),
        (",", "1\u202f299,00", "1299.00"),
        (",", "19.99", "19.99"),
        (",", "n/a", None),
        (",", "sold out", "sold out"),
        (",", "1,299.00", "1,299.00"),
        (".", "1,299.00", "1299.00"),
        (".", "1,299", "1299"),
        (".", "1'299.5", "1299.5"),
        (".", "19.99", "19.99"),
        (".", "12,99", "12,99"),
        (".", "1.299,00", "1.299,00"),
    ],
)
def test_numbers_as_people_write_them_become_plain_and_other_texts_stay(
    decimal: Literal[",", "."], received: str, ours: str | None
) -> None:
    source = FileSource(
        files=("p.csv",), decimal=decimal, columns={"product_id": "id", "title": "id", "price": "p"}
    )
    query = f"select {select_list('products', source, {'id': 'id', 'p': 'p'})} from received"
    with duckdb.connect() as connection:
        connection.execute("create table received as select ? as id, ? as p", ["1,5", received])
        row = dict(zip(ENTITIES["products"], connection.execute(query).fetchone(), strict=True))
    assert row["price"] == ours
    assert row["product_id"] == row["title"] == "1,5", "only numbers are rewritten"


def mapped(entity: str, source: FileSource, **received: str | None) -> dict[str, str | None]:
    """Our columns of one record."""
    names = ", ".join(f"?::varchar as {name}" for name in received)
    listed = select_list(entity, source, {name: name for name in received})
    with duckdb.connect() as connection:
        row = connection.execute(
            f"select {listed} from (select {names})", list(received.values())
        ).fetchone()
    assert row is not None
    return dict(zip(ENTITIES[entity], row, strict=True))


def files(**keys: Any) -> FileSource:
    return FileSource.model_validate({"files": "a.csv"} | keys)


@pytest.mark.parametrize("word", ["NULL", "null", "\\N", "N/A", "<NA>"])
def test_words_for_no_value_are_missing_in_every_column(word: str) -> None:
    columns = {"product_id": "a", "title": "a", "category": "a", "price": "a", "updated_at": "a"}
    found = mapped("products", files(columns=columns), a=word)
    assert set(found.values()) == {None}


@pytest.mark.parametrize("word", ["NaN", "nan"])
def test_not_a_number_is_missing_but_in_a_column_of_numbers(word: str) -> None:
    columns = {"product_id": "a", "title": "a", "price": "a", "updated_at": "a"}
    found = mapped("products", files(columns=columns), a=word)
    assert found.pop("price") == word
    assert set(found.values()) == {None}


@pytest.mark.parametrize("word", ["NA", "None", "-", "nil"])
def test_words_that_may_be_names_are_missing_where_no_name_is(word: str) -> None:
    """NA is Namibia, and a brand may be called None."""
    columns = {"user_id": "a", "country": "a", "birth_year": "a", "signed_up_at": "a"}
    assert mapped("users", files(columns=columns), a=word) == {
        "user_id": None, "country": word, "birth_year": None, "signed_up_at": None,
    }  # fmt: skip


def test_a_source_may_name_its_own_words_or_none_at_all() -> None:
    columns = {"product_id": "a", "brand": "b"}
    own = files(columns=columns, missing=["?", "-"])
    assert mapped("products", own, a="NULL", b="?")["product_id"] == "NULL"
    assert mapped("products", own, a="NULL", b="?")["brand"] is None
    kept = mapped("products", files(columns=columns, missing=[]), a="NULL", b="\\N")
    assert (kept["product_id"], kept["brand"]) == ("NULL", "\\N")
    assert files(columns=columns, missing="?").missing == ("?",)


def test_words_are_missing_before_columns_are_joined_chosen_or_translated() -> None:
    found = mapped(
        "products",
        files(
            columns={
                "product_id": {"hash_of": ["a", "b"]},
                "title": {"join": ["a", "b"]},
                "category": {"first_of": ["a", "b"]},
                "brand": {"column": "a", "values": {"NULL": "no name"}},
                "currency": {"column": "a", "values": {"EURO": "EUR"}},
            }
        ),
        a="NULL",
        b="x",
    )
    assert (found["title"], found["category"]) == ("x", "x")
    assert found["brand"] == "no name", "a word that the shop translates has a meaning"
    assert found["currency"] is None
    assert found["product_id"] == key_hash("NULL", "x"), "ids are hashes of what was received"


SHOP = """
title: x
ratings:
  files: [a.csv, b.csv]
  delimiter: ";"
  decimal: ","
  time_format: epoch_seconds
  ignore: [note]
  columns: {user_id: u, product_id: {hash_of: [a, b]}, rating: r, rated_at: t}
products: {api: "https://x/p", items: data, each: lines, columns: {product_id: id}}
users: {made_from: ratings, columns: {user_id: u}}
"""


def mappings(text: str) -> dict[str, str]:
    found = declarations(load_settings(), read_shop(text, Path("x.yml")))
    return {entity: declared.mapping for entity, declared in found.items()}


def test_fingerprints_are_those_of_older_lakes() -> None:
    """Other values would load every batch of every lake again. Lakes of release 0.1.0 are, once: words
    such as NULL were values then.
    """
    shop = SHOP.replace("rating: r,", "rating: {column: r, values: {x: y}},")
    shop = shop.replace("items: data,", "items: data, page_size: 5,")
    assert mappings(shop) == {
        "users": "24ca3402e998a9a9",
        "products": "6ac286060254effd",
        "ratings": "6f359485b63f60b2",
    }


@pytest.mark.parametrize(
    ("was", "now", "changed"),
    [
        ("[a.csv, b.csv]", "[c.csv]", set()),
        ("epoch_seconds", "iso", set()),
        ("https://x/p", "https://y/p", set()),
        ("items: data", "items: data, max_bytes: 5", set()),
        ("items: data", "items: rows", {"products"}),
        ('decimal: ","', 'decimal: "."', {"ratings", "users"}),
        ("rating: r", "rating: s", {"ratings"}),
        ("{user_id: u}", "{user_id: v}", {"users"}),
        ("title: x", "title: y", set()),
        ("  ignore:", "  missing: [NONE]\n  ignore:", {"ratings", "users"}),
        ("  ignore:", "  missing: []\n  ignore:", {"ratings", "users"}),
    ],
)
def test_only_what_changes_rows_changes_a_fingerprint(
    was: str, now: str, changed: set[str]
) -> None:
    before, after = mappings(SHOP), mappings(SHOP.replace(was, now))
    assert {entity for entity in before if before[entity] != after[entity]} == changed
