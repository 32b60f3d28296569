"""A column of an entity and a kind of rule are added from files, and run through the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.extending.checkout import Checkout

CITY = """\
    city:
      type: text
      noun: a city
      description: City, as received.
      words: city town ort stadt ville ciudad
"""
BEFORE_CITY = "    birth_year:\n"

SHOP = """\
title: Extended
users:
  files: users.csv
  columns: {user_id: nr, city: Stadt, country: land}
ratings:
  files: ratings.csv
  columns: {user_id: nr, product_id: item, rating: stars, rated_at: at}
rules:
  users:
    columns:
      city: {matches: '^[A-Z]', because: "A city's name begins with a capital."}
      country: {required: true}
"""
USERS = "nr,Stadt,land\nu1,Berlin,DE\nu2,paris,FR\nu3,,DE\nu4,Rom,\n"
RATINGS = "nr,item,stars,at\n" + "".join(f"u{n},p1,5,2024-03-01T10:00:00Z\n" for n in range(1, 5))


@dataclass(frozen=True)
class Extended:
    """The extended checkout after a run, and which files had to change for each piece."""

    checkout: Checkout
    lake: Path
    environment: dict[str, str]
    for_column: set[str]
    for_rule_kind: set[str]


def read(lake: Path, sql: str) -> list[tuple]:
    """The rows of a query on a lake's warehouse."""
    with duckdb.connect(str(lake / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Extended:
    checkout = Checkout(tmp_path_factory.mktemp("extended"))
    checkout.insert("recomart/shop/entities.yml", CITY, before=BEFORE_CITY)
    for_column = checkout.changed()
    checkout.add("quality/rules/matches.py", "rule_kind.py")
    checkout.add("dbt_project/macros/rules/matches.sql", "rule_kind.sql")
    for_rule_kind = checkout.changed() - for_column
    folder = tmp_path_factory.mktemp("shop")
    for name, text in (("users.csv", USERS), ("ratings.csv", RATINGS), ("acme.yml", SHOP)):
        (folder / name).write_text(text)
    lake = folder / "lake"
    environment = {"RECOMART_SHOP": str(folder / "acme.yml"), "RECOMART_LAKE": str(lake)}
    for verb in ("ingest", "transform"):
        done = checkout.recomart(verb, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
    return Extended(checkout, lake, environment, for_column, for_rule_kind)


def test_a_column_needs_its_declaration_alone(extended: Extended) -> None:
    assert extended.for_column == {"recomart/shop/entities.yml"}
    assert read(extended.lake, "select user_id, city from marts.dim_users order by 1") == [
        ("u1", "Berlin"),
        ("u2", None),  # only the rating names this user: their own record is in quarantine
        ("u3", None),
        ("u4", None),
    ]


def test_a_new_column_is_counted_by_the_rules_that_every_column_has(extended: Extended) -> None:
    missing = "select checked, failed, outcome from quality.dq_rules where rule_id = "
    assert read(extended.lake, missing + "'users.city.missing'") == [(2, 1, "kept")]


def test_a_new_column_is_guessed_by_its_words(extended: Extended) -> None:
    code = "from onboarding.names import likeness; print(likeness('Stadt', 'city', 'users'))"
    assert extended.checkout.python("-c", code).stdout.strip() == "0.9"


def test_a_rule_kind_is_one_module_and_one_macro(extended: Extended) -> None:
    assert extended.for_rule_kind == {
        "dbt_project/macros/rules/matches.sql",
        "quality/rules/matches.py",
    }
    quarantined = "select user_id, city, reject_reasons from quality.quarantine_users order by 1"
    assert read(extended.lake, quarantined) == [
        ("u2", "paris", "malformed_city"),
        ("u4", "Rom", "missing_country"),
    ]
    rule = (
        "select words, because, outcome, checked, failed from quality.dq_rules "
        "where rule_id = 'users.city.matches'"
    )
    assert read(extended.lake, rule) == [
        (
            "A user's city matches ^[A-Z].",
            "A city's name begins with a capital.",
            "quarantined",
            4,
            1,
        )
    ]


def test_a_new_rule_kind_is_checked_in_the_shop_file(extended: Extended, tmp_path: Path) -> None:
    shop = tmp_path / "acme.yml"
    for wrong, said in (
        ("matchs: x", 'did you mean "matches"?'),
        ("matches: '['", "is not a regular expression"),
    ):
        shop.write_text(SHOP.replace("matches: '^[A-Z]'", wrong))
        done = extended.checkout.recomart(
            "ingest", **extended.environment | {"RECOMART_SHOP": str(shop)}
        )
        assert done.returncode != 0
        assert said in done.stdout + done.stderr
        assert "acme.yml:11" in done.stdout + done.stderr


def test_a_rule_kind_without_its_macro_names_the_missing_file(extended: Extended) -> None:
    macro = extended.checkout.root / "dbt_project/macros/rules/matches.sql"
    aside = macro.rename(macro.with_suffix(".txt"))
    try:
        done = extended.checkout.recomart("transform", **extended.environment)
    finally:
        aside.rename(macro)
    assert done.returncode != 0
    assert '"matches" has no macro: write dbt_project/macros/rules/matches.sql' in done.stdout


def test_a_macro_without_its_module_names_the_missing_file(extended: Extended) -> None:
    orphan = extended.checkout.root / "dbt_project/macros/rules/orphan.sql"
    orphan.write_text("{% macro rule_orphan(rule) %}1 = 1{% endmacro %}")
    try:
        done = extended.checkout.recomart("transform", **extended.environment)
    finally:
        orphan.unlink()
    assert done.returncode != 0
    assert "quality/rules/orphan.py" in done.stdout
