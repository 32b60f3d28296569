"""Rules: their defaults, what a shop file may declare over them, and what it may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingestion.shop_file import load_shop
from recomart.errors import ShopFileError
from recomart.events import EVENT_TYPES
from recomart.rules.ranges import Bounds
from recomart.rules.rule import Rule
from recomart.rules.rulebook import every_rule, rules_of, stop_of
from recomart.settings import load_settings
from recomart.shop.entities import ENTITIES, KEYS, REQUIRED, TYPES
from recomart.shop.model import Shop

SHOP = """\
title: Acme
users:
  files: users.csv
  columns: {user_id: user}
products:
  files: products.csv
  columns: {product_id: item, price: price, category: group, brand: brand, in_stock: stock}
ratings:
  files: ratings.csv
  columns: {user_id: user, product_id: item, rating: stars, rated_at: ts}
events:
  files: events.csv
  columns: {event_id: id, event_type: type, user_id: user, product_id: item, occurred_at: ts}
"""
FIRST_LINE_OF_RULES = 1 + SHOP.count("\n")


def load(folder: Path, rules: str = "", shop: str = SHOP) -> Shop:
    path = folder / "acme.yml"
    path.write_text(shop + rules)
    return load_shop(load_settings(shop=str(path), lake=folder / "lake")).shop


def column(entity: str, name: str, declared: str) -> str:
    return f"rules:\n  {entity}:\n    columns:\n      {name}: {declared}\n"


def by_id(shop: Shop) -> dict[str, Rule]:
    return {rule.rule_id: rule for rule in every_rule(shop)}


def test_every_column_of_an_entity_has_a_type_and_keys_are_required() -> None:
    for entity, columns in ENTITIES.items():
        assert tuple(TYPES[entity]) == columns
        assert set(KEYS[entity]) <= set(REQUIRED[entity]) <= set(columns)


def test_event_types_are_those_of_the_event_schema(tmp_path: Path) -> None:
    assert by_id(load(tmp_path))["events.event_type.one_of"].values == EVENT_TYPES


def test_without_a_word_the_hard_rules_are_these(tmp_path: Path) -> None:
    hard = [
        (rule.entity, rule.code)
        for rule in every_rule(load(tmp_path))
        if rule.outcome == "quarantined"
    ]
    codes = {
        "users": "missing_user_id invalid_signed_up_at future_signed_up_at "
        "before_opening_signed_up_at invalid_birth_year out_of_range_birth_year",
        "products": "missing_product_id invalid_price out_of_range_price invalid_in_stock "
        "invalid_updated_at out_of_range_updated_at future_updated_at",
        "ratings": "missing_user_id missing_product_id missing_rating invalid_rating "
        "out_of_range_rating missing_rated_at invalid_rated_at future_rated_at "
        "before_opening_rated_at unknown_user unknown_product",
        "transactions": "missing_order_id missing_line_no missing_user_id missing_product_id "
        "invalid_quantity out_of_range_quantity invalid_unit_price out_of_range_unit_price "
        "invalid_line_total out_of_range_line_total "
        "missing_ordered_at invalid_ordered_at future_ordered_at before_opening_ordered_at "
        "unknown_user unknown_product",
        "events": "missing_event_id missing_event_type unknown_event_type missing_user_id "
        "missing_occurred_at invalid_occurred_at future_occurred_at before_opening_occurred_at "
        "unknown_user unknown_product",
    }
    assert hard == [(entity, code) for entity, listed in codes.items() for code in listed.split()]


def test_constants_of_the_shop_are_the_default_bounds(tmp_path: Path) -> None:
    constants = (
        "rating_scale: [0.5, 10]\nopened_at: 2020-01-01\nclosed_at: 2024-06-30T12:00:00+02:00\n"
    )
    rules = by_id(load(tmp_path, constants))
    assert rules["ratings.rating.range"].bounds == Bounds("0.5", "10")
    opened = rules["events.occurred_at.before_opening"]
    assert opened.bounds == Bounds(low="2020-01-01 00:00:00")
    assert opened.words == "An event's time is not before the shop opened (2020-01-01)."
    closed = rules["ratings.rated_at.after_closing"].bounds
    assert closed == Bounds(high="2024-06-30 10:00:00")


def test_lists_that_the_shop_lacks_are_not_looked_up(tmp_path: Path) -> None:
    without_users = SHOP.replace("users:\n  files: users.csv\n  columns: {user_id: user}\n", "")
    rules = by_id(load(tmp_path, shop=without_users))
    assert "ratings.user_id.reference" not in rules
    assert rules["ratings.product_id.reference"].outcome == "quarantined"


def test_a_column_says_what_becomes_of_unknown_references_over_the_shop(tmp_path: Path) -> None:
    declared = "unknown_references: keep\n" + column(
        "events", "product_id", "{reference: quarantine}"
    )
    rules = by_id(load(tmp_path, declared))
    assert rules["events.product_id.reference"].outcome == "quarantined"
    assert rules["events.user_id.reference"].outcome == "kept"
    assert rules["ratings.product_id.reference"].outcome == "kept"


@pytest.mark.parametrize(
    ("declared", "bounds", "words"),
    [
        ("[1, 5000]", Bounds("1", "5000"), "lies between 1 and 5000"),
        ("[0.10, null]", Bounds("0.1"), "is at least 0.1"),
        (
            "{above: 0, below: 1e6}",
            Bounds("0", "1000000", True, True),
            "above 0 and below 1,000,000",
        ),
        ("{at_most: 99.99}", Bounds(high="99.99"), "is at most 99.99"),
    ],
)
def test_a_range_may_leave_ends_open_or_out(
    tmp_path: Path, declared: str, bounds: Bounds, words: str
) -> None:
    shop = load(tmp_path, column("products", "price", f"{{range: {declared}}}"))
    rule = by_id(shop)["products.price.range"]
    assert rule.bounds == bounds
    assert words in rule.words


def test_a_share_stops_for_each_hard_rule_of_a_column_or_for_one_kind(tmp_path: Path) -> None:
    rules = by_id(load(tmp_path, column("ratings", "rating", "{stop_above: 0.1}")))
    of_rating = {kind: rules[f"ratings.rating.{kind}"] for kind in ("required", "type", "range")}
    assert {kind: rule.stop_above for kind, rule in of_rating.items()} == {
        "required": 0.1,
        "type": 0.1,
        "range": 0.1,
    }
    declared = column("products", "price", "{usual: iqr, stop_above: {usual: 0.2, type: 0}}")
    rules = by_id(load(tmp_path, declared))
    assert rules["products.price.usual"].stop_above == 0.2
    assert rules["products.price.type"].stop_above == 0
    assert rules["products.price.range"].stop_above is None


def test_an_entity_stops_at_half_and_twenty_unless_it_declares_a_share(tmp_path: Path) -> None:
    shop = load(tmp_path, "rules:\n  ratings: {stop_above: 0.2}\n")
    assert stop_of("ratings", shop) == (0.2, 1)
    assert stop_of("events", shop) == (0.5, 20)


def test_missing_values_are_kept_filled_or_quarantined(tmp_path: Path) -> None:
    shop = load(
        tmp_path,
        "rules:\n  products:\n    columns:\n"
        "      brand: {required: true}\n"
        "      price: {missing: {fill: 9.5}, because: All cost about that.}\n"
        "      in_stock: {missing: {fill: true}}\n",
    )
    rules = by_id(shop)
    assert rules["products.brand.required"].code == "missing_brand"
    assert "products.brand.missing" not in rules
    price = rules["products.price.missing"]
    assert (price.outcome, price.fill, price.because) == ("filled", "9.5", "All cost about that.")
    assert rules["products.price.range"].because is None  # it is about what was declared
    assert rules["products.in_stock.missing"].fill == "true"
    assert rules["products.category.missing"].fill == "unknown"
    assert rules["events.product_id.missing"].outcome == "kept"


def test_only_rules_of_mapped_columns_have_something_to_say(tmp_path: Path) -> None:
    shop = load(tmp_path)
    said = {rule.rule_id for rule in rules_of(shop)}
    assert "products.price.range" in said
    assert not any("birth_year" in rule or rule.startswith("transactions") for rule in said)
    # all the same they hold, should rows with such values be there
    assert by_id(shop)["users.birth_year.range"].in_use is False


def test_every_rule_reads_as_a_sentence_and_has_an_id_of_its_own(tmp_path: Path) -> None:
    declared = column("products", "price", "{usual: {iqr: 3}, range: [0, 10]}")
    rules = every_rule(load(tmp_path, declared))
    assert len({rule.rule_id for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.words.endswith("."), rule
        assert rule.words.split()[0] in ("A", "An", "Of"), rule
        assert "None" not in rule.words, rule


def test_a_rule_survives_the_way_to_dbt_as_json(tmp_path: Path) -> None:
    hostile = """'it''s "so" {{ 7 * 7 }}'"""
    shop = load(tmp_path, column("products", "brand", f"{{one_of: [{hostile}]}}"))
    told = json.loads(by_id(shop)["products.brand.one_of"].to_json(4))
    assert told["values"] == ['it\'s "so" {{ 7 * 7 }}']
    assert (told["column_name"], told["place"]) == ("brand", 4)


@pytest.mark.parametrize(
    ("declared", "line", "said"),
    [
        (column("products", "brand", "{range: [1, 2]}"), 4, "'range' is not a key here"),
        (column("products", "colour", "{required: true}"), 4, "'colour' is not a key here"),
        (column("products", "price", "{range: [5, 1]}"), 4, "begins at 5"),
        (column("products", "price", "{range: [null, null]}"), 4, "has no bound"),
        (column("products", "price", "{range: [1]}"), 4, "is [low, high]"),
        (column("products", "price", "{range: [.nan, 1]}"), 4, "finite number"),
        (column("products", "price", "{range: ['a', 1]}"), 4, "valid number"),
        (column("products", "price", "{usual: mean}"), 4, "is iqr"),
        (column("products", "price", "{stop_above: 1.5}"), 4, "less than or equal to 1"),
        (column("products", "price", "{stop_above: {usual: 0.5}}"), 4, "no rule of the kind usual"),
        (column("products", "price", "{missing: {fill: cheap}}"), 4, "valid number"),
        (column("products", "price", "{missing: {fill: -1}}"), 4, "breaks the rule"),
        (column("products", "price", "{missing: drop}"), 4, "say required: true"),
        (column("products", "price", "{required: true, missing: keep}"), 4, "not both"),
        (column("products", "category", "{missing: keep}"), 4, "cannot stay empty"),
        (column("products", "brand", "{rare_below: 1}"), 4, "greater than or equal to 2"),
        (column("products", "brand", "{one_of: []}"), 4, "at least 1 item"),
        (column("users", "country", "{required: true}"), 4, "no source maps it"),
        (column("ratings", "rating", "{range: [0, 10]}"), 4, "outside of the rating_scale"),
        (column("ratings", "rating", "{missing: keep}"), 4, "'missing' is not a key here"),
        (column("ratings", "rated_at", "{range: [2024-01-02, 2024-01-01]}"), 4, "begins at 2024"),
        (
            column("events", "event_type", "{one_of: [view, hover]}"),
            4,
            "'hover' is not a known event_type",
        ),
        (column("events", "product_id", "{missing: {fill: p1}}"), 4, "'fill' is not a key here"),
        (column("events", "user_id", "{reference: drop}"), 4, "'quarantine' or 'keep'"),
        ("rules:\n  rating: {stop_above: 0.1}\n", 2, "'rating' is not a key here"),
        ("rules:\n  ratings: {stop_over: 0.1}\n", 2, "'stop_over' is not a key here"),
    ],
)
def test_a_bad_declaration_names_its_line(
    tmp_path: Path, declared: str, line: int, said: str
) -> None:
    with pytest.raises(ShopFileError) as caught:
        load(tmp_path, declared)
    assert said in caught.value.message + (caught.value.help or "")
    assert f"acme.yml:{FIRST_LINE_OF_RULES + line - 1}" in caught.value.where


def test_a_key_that_is_nearly_right_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ShopFileError) as caught:
        load(tmp_path, column("products", "price", "{usal: iqr}"))
    assert caught.value.help == 'did you mean "usual"?'


def test_a_reference_needs_a_list(tmp_path: Path) -> None:
    without_users = SHOP.replace("users:\n  files: users.csv\n  columns: {user_id: user}\n", "")
    with pytest.raises(ShopFileError, match="declares no users"):
        load(tmp_path, column("ratings", "user_id", "{reference: keep}"), without_users)
