"""Guesses at shops: invented ones of five conventions here, real ones where the data is."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ingestion.shop_file import read_shop
from onboarding import Draft, init
from recomart.errors import ShopFileError, SourceMissing
from tests.oracles.invented_shops import SHOPS, Expected


def differences(draft: Draft, expected: Expected) -> list[str]:
    """Where the guess is not what a person would write."""
    got = {guess.entity: guess for guess in draft.guesses}
    wrong = []
    for entity, columns in expected.columns.items():
        for ours, column in columns.items():
            choice = got[entity].choices.get(ours) if entity in got else None
            found = choice.column.removeprefix("column_") if choice and choice.column else None
            if found != column:
                wrong.append(f"{entity}.{ours}: {found}, expected {column}")
    for entity, format in expected.time_formats.items():
        if entity not in got or got[entity].time_format != format:
            wrong.append(f"{entity}.time_format")
    return wrong


@pytest.mark.parametrize("make", SHOPS, ids=lambda make: make.__name__)
def test_columns_and_times_are_guessed_as_a_person_would_map_them(
    tmp_path: Path, make: Callable[[Path], Expected]
) -> None:
    expected = make(tmp_path)
    draft = init(tmp_path)
    assert differences(draft, expected) == []
    path = tmp_path / "acme.yml"
    shop = read_shop(draft.text(path), path).shop
    assert set(shop.sources()) == set(expected.columns)
    assert not [note for note in draft.notes if note.startswith("missing")]


def ratings(folder: Path, dates: list[str], header: str = "user,item,stars,day") -> None:
    rng = random.Random(9)
    rows = [f"u{rng.randrange(30)},p{rng.randrange(20)},{rng.randrange(1, 6)},{d}" for d in dates]
    (folder / "ratings.csv").write_text("\n".join([header, *rows]) + "\n")


@pytest.mark.parametrize(
    ("day_of", "format", "rival"),
    [
        (lambda d: f"{d.day:02}/{d.month:02}/2025", "%d/%m/%Y", None),
        (lambda d: f"{d.month:02}/{d.day:02}/2025", "%m/%d/%Y", None),
        (lambda d: f"{d.day % 12 + 1:02}/{d.month:02}/2025", "%d/%m/%Y", "%m/%d/%Y"),
    ],
    ids=["day first", "month first", "either"],
)
def test_the_data_decides_between_day_and_month_and_says_when_it_cannot(
    tmp_path: Path, day_of: Callable[[datetime], str], format: str, rival: str | None
) -> None:
    ratings(tmp_path, [day_of(datetime(2025, 1, 1) + timedelta(days=n)) for n in range(200)])
    draft = init(tmp_path)
    (guess,) = draft.guesses
    assert guess.time_format == format
    unsure = [note for note in draft.notes if note.startswith("unsure: ratings.time_format")]
    assert len(unsure) == (1 if rival else 0)
    assert not rival or rival in unsure[0]


def test_what_must_be_there_and_is_not_is_said_in_file_and_notes(tmp_path: Path) -> None:
    ratings(tmp_path, ["great", "poor"] * 50, header="user,item,stars,comment")
    draft = init(tmp_path)
    path = tmp_path / "acme.yml"
    why = "no column of ratings.csv holds times"
    assert f"# MISSING: {why}, and ratings cannot be read without it." in draft.text(path)
    assert f"missing: ratings.rated_at: {why}" in draft.notes
    assert draft.problems(path) == ("ratings maps no rated_at",)


def test_orders_that_hold_their_lines_are_read_line_by_line_and_are_no_users(
    tmp_path: Path,
) -> None:
    ratings(tmp_path, ["2025-01-01"] * 50)
    lines = [{"sku": "p1", "count": 1}]
    orders = [
        {"id": f"o{n}", "customer": {"id": f"u{n % 9}"}, "placed_at": "2025-01-01", "lines": lines}
        for n in range(50)
    ]
    text = "".join(json.dumps(order) + "\n" for order in orders)
    (tmp_path / "orders.jsonl").write_text(text)
    draft = init(tmp_path)
    assert [guess.entity for guess in draft.guesses] == ["ratings", "transactions"]
    source = read_shop(draft.text(tmp_path / "acme.yml"), tmp_path / "acme.yml").shop.transactions
    assert source is not None
    assert getattr(source, "each", None) == "lines"
    assert {ours: column.column for ours, column in source.columns.items()} == {
        "order_id": "^.id", "line_no": "#", "user_id": "^.customer.id", "product_id": "sku",
        "quantity": "count", "ordered_at": "^.placed_at",
    }  # fmt: skip
    assert not draft.notes


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    ratings(tmp_path, ["2025-01-01"] * 5)
    path = tmp_path / "acme.yml"
    path.write_text("mine")
    with pytest.raises(ShopFileError, match="is there already"):
        init(tmp_path).write(path)
    assert path.read_text() == "mine"


def test_hostile_names_and_values_stay_inside_their_lines(tmp_path: Path) -> None:
    evil = 'a": {evil: true}\nratings: 1 #'
    with open(tmp_path / "ratings.csv", "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["user", "item", "stars", "day", evil])
        for n in range(90):
            day = f"2025-01-{n % 28 + 1:02}"
            writer.writerow([f"u{n % 7}", f"p{n % 6}", n % 5 + 1, day, "x\n    y: z # \u2028 q:"])
    path = tmp_path / "acme.yml"
    shop = read_shop(init(tmp_path).text(path), path).shop
    assert shop.ratings is not None
    assert set(shop.ratings.columns) == {"user_id", "product_id", "rating", "rated_at"}
    assert shop.ratings.ignore == (evil,)


def test_a_folder_without_tables_is_an_error_that_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('[\n  {"a": 1}\n]')
    with pytest.raises(SourceMissing) as caught:
        init(tmp_path)
    assert "list.json (one column only)" in str(caught.value)
    with pytest.raises(SourceMissing, match="there is no folder"):
        init(tmp_path / "absent")


@pytest.mark.realdata
def test_movielens_and_taobao_are_guessed_without_their_headers(data_folder: Path) -> None:
    lens = Expected(
        {
            "users": {"user_id": "1"},
            "products": {"product_id": "1", "title": "2"},
            "ratings": {"user_id": "1", "product_id": "2", "rating": "3", "rated_at": "4"},
        },
        {"ratings": "epoch_seconds"},
    )
    assert differences(init(data_folder / "ml-100k"), lens) == []
    taobao = Expected(
        {"events": {"user_id": "1", "product_id": "2", "event_type": "4", "occurred_at": "5"}},
        {"events": "epoch_seconds"},
    )
    draft = init(data_folder / "taobao-815-users")
    assert differences(draft, taobao) == []
    values = draft.guesses[0].choices["event_type"].yaml
    assert values == {
        "column": "column_4",
        "values": {"pv": "view", "cart": "add_to_cart", "fav": "favorite", "buy": "purchase"},
    }
