"""Rules: their defaults, and what a shop file may declare over them."""

from __future__ import annotations

from pathlib import Path

import pytest

from recomart.entities import ENTITIES
from recomart.errors import ShopFileError
from recomart.events import EVENT_TYPES
from recomart.rules import Bounds, Rule, every_rule, rules_of
from recomart.settings import load_settings
from recomart.shop_file import load_shop

SHOP = """\
title: Acme
users:
  files: users.csv
  columns: {user_id: user}
products:
  files: products.csv
  columns: {product_id: item, price: price, category: group, brand: brand}
ratings:
  files: ratings.csv
  columns: {user_id: user, product_id: item, rating: stars, rated_at: ts}
"""


def load(tmp_path: Path, rules: str = "", shop: str = SHOP):
    path = tmp_path / "acme.yml"
    path.write_text(shop + rules)
    return load_shop(load_settings(shop=str(path), lake=tmp_path / "lake")).shop


def rule(tmp_path: Path, rule_id: str, rules: str = "") -> Rule:
    return {rule.rule_id: rule for rule in every_rule(load(tmp_path, rules))}[rule_id]


def test_event_types_are_those_of_the_event_schema(tmp_path: Path) -> None:
    assert rule(tmp_path, "events.event_type.one_of").values == EVENT_TYPES
