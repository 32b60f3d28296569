"""docs/shops.md: what it shows is what the reader of shop files takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.shop_file import read_shop
from ingestion.sources.api import ApiSource
from ingestion.sources.files import FileSource
from recomart.settings import PROJECT_ROOT
from recomart.shop.entities import ENTITIES
from recomart.shop.model import Shop
from recomart.shop.sources import Column, MadeSource

PAGE = (PROJECT_ROOT / "docs" / "shops.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RATINGS = "ratings: {files: a.csv, columns: {user_id: u, product_id: p, rating: r, rated_at: t}}\n"
PRODUCTS = "products: {api: 'https://shop.example', columns: {product_id: id}}\n"


@pytest.mark.parametrize("block", BLOCKS)
def test_each_example_is_a_shop_file_or_a_part_of_one(block: str, tmp_path: Path) -> None:
    keys = set(re.findall(r"^(\w+):", block, re.MULTILINE))
    text = block if "title" in keys else f"title: Example\n{block}"
    if not keys & {"ratings", "transactions", "events"}:
        text += RATINGS
    if keys == {"rules"}:  # rules are of columns that a source maps
        text += "".join(
            f"{entity}: {{files: a.csv, columns: {{{', '.join(f'{c}: {c}' for c in ENTITIES[entity])}}}}}\n"
            for entity in ("products", "events")
        )
    if "made_from: products" in block and "products" not in keys:
        text += PRODUCTS
    assert read_shop(text, tmp_path / "example.yml").shop.sources()


@pytest.mark.parametrize("model", [Shop, FileSource, ApiSource, MadeSource, Column])
def test_every_key_is_on_the_page(model: type) -> None:
    named = {name for name in model.model_fields if f"`{name}`" in PAGE or f"{name}:" in PAGE}
    assert named == set(model.model_fields)


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_column_is_on_the_page(entity: str) -> None:
    [row] = re.findall(rf"^\| `{entity}` \| (.*\*\*.*) \|$", PAGE, re.MULTILINE)
    assert tuple(row.replace("*", "").split(", ")) == ENTITIES[entity]


def test_every_shop_that_comes_along_is_on_the_page() -> None:
    shops = {path.stem for path in (PROJECT_ROOT / "shops").glob("*.yml")}
    assert {shop for shop in shops if f"| `{shop}` |" in PAGE} == shops
