"""A kind of source is one module: what ingest, the shop file and `shop check` need is all in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

import ingestion.sources
from ingestion.ingest import ingest
from ingestion.shop_file import load_shop
from ingestion.sources import SOURCES
from onboarding import check
from recomart.errors import ShopFileError, SourceError
from recomart.settings import Settings, load_settings
from recomart.shop.sources import KINDS, tags

NEW_KIND = '''
"""Text of the shop file itself, a table per key: a kind that only this test has."""

from collections.abc import Iterator
from typing import ClassVar

from ingestion.sources import Discovery, Fingerprint, Found, SourceKind
from recomart.shop.sources import Source


class InlineSource(Source):
    kind: ClassVar[str] = "inline"
    keys_without_effect: ClassVar[frozenset[str]] = Source.keys_without_effect | {"inline"}

    inline: dict[str, str]
    delimiter: str = ","  # of the keys that the CSV reader asks for, this kind has one


class InlineText(SourceKind[InlineSource]):
    model = InlineSource
    place = "remote"
    opened = []

    def discover(self, declared, memory):
        return Discovery(
            tuple(Found(name, "csv", handle=text) for name, text in declared.source.inline.items())
        )

    def fingerprint(self, declared, found):
        return Fingerprint(version=str(hash(found.handle)))

    def open(self, declared, found):
        self.opened.append(found.name)
        yield found.handle.encode()

    def reader(self, source):
        from ingestion.readers.formats import FILE_FORMATS

        return FILE_FORMATS["csv"]

    def preview(self, declared, found, folder):
        path = folder / f"{found.name}.csv"
        path.write_text(found.handle)
        return path


SOURCE = InlineText()
'''
SHOP = """
title: Inline shop
ratings:
  inline:
    monday: "u,p,r,t\\nu1,p1,5,2026-01-01\\nu1,p2,4,2026-01-02\\n"
    tuesday: "u,p,r,t\\nu2,p1,3,2026-01-03\\n"
  columns: {user_id: u, product_id: p, rating: r, rated_at: t}
users:
  made_from: ratings
  columns: {user_id: u}
"""


@pytest.fixture
def inline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A shop of a kind whose module lies in a folder of its own."""
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "inline.py").write_text(NEW_KIND)
    monkeypatch.setattr(
        ingestion.sources, "__path__", [*ingestion.sources.__path__, str(tmp_path / "kinds")]
    )
    forget()
    (tmp_path / "shop.yml").write_text(dedent(SHOP))
    yield load_settings(shop=str(tmp_path / "shop.yml"), lake=tmp_path / "lake")
    sys.modules.pop("ingestion.sources.inline", None)
    monkeypatch.undo()
    forget()


def forget() -> None:
    """Let the registries look again."""
    for registry in (SOURCES, KINDS):
        registry.__dict__.pop("_entries", None)


def rows(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_kinds_that_come_along() -> None:
    assert tags() == ("api", "database", "files", "made_from", "stream")


def test_a_new_kind_is_ingested_object_by_object_and_each_once(inline: Settings) -> None:
    from ingestion.sources.inline import SOURCE  # type: ignore[import-not-found]

    assert ingest(inline).records["ratings"] == 3
    assert rows(inline, "select source, entity, source_file, records from raw._loads") == [
        ("inline", "ratings", "monday", 2),
        ("inline", "ratings", "tuesday", 1),
        ("inline", "users", "monday", 1),
        ("inline", "users", "tuesday", 1),
    ]
    landed = [path.name for path in (inline.raw / "inline" / "ratings").glob("*/*")]
    assert sorted(landed) == ["00000001.csv", "00000002.csv"]
    SOURCE.opened.clear()
    again = ingest(inline)
    assert (again.loaded, again.unchanged) == ((), 2)
    assert SOURCE.opened == [], "both versions are remembered"


def test_a_changed_object_of_a_new_kind_is_a_new_batch(inline: Settings) -> None:
    ingest(inline)
    inline.shop_file.write_text(dedent(SHOP).replace("u2,p1,3", "u2,p1,1"))
    assert [batch.source_file for batch in ingest(inline).loaded] == ["tuesday", "tuesday"]
    assert rows(inline, "select count(*) from raw.ratings") == [(4,)]
    remembered = "select url from raw._api order by 1"
    assert rows(inline, remembered) == [("monday",), ("tuesday",)]
    inline.shop_file.write_text(dedent(SHOP).replace("    monday:", "    friday:"))
    assert ingest(inline).loaded == (), "the bytes of friday and tuesday are loaded"
    inline.shop_file.write_text(
        dedent(SHOP).replace("    monday:", "    friday:").replace("u1,p1", "u7,p1")
    )
    assert [batch.source_file for batch in ingest(inline).loaded] == ["friday", "friday"]
    assert rows(inline, remembered) == [("friday",), ("tuesday",)], "monday is gone"


def test_the_keys_of_a_new_kind_are_checked_with_their_lines(inline: Settings) -> None:
    inline.shop_file.write_text(
        dedent(SHOP).replace("  columns:", "  delimeter: ';'\n  columns:", 1)
    )
    with pytest.raises(ShopFileError) as caught:
        load_shop(inline)
    assert caught.value.help == 'did you mean "delimiter"?'
    assert "shop.yml:7" in (caught.value.where or "")


def test_shop_check_looks_at_a_new_kind(inline: Settings) -> None:
    assert check(inline) == []
    inline.shop_file.write_text(dedent(SHOP).replace("rating: r,", "rating: stars,"))
    (problem,) = {problem.render() for problem in check(inline)}
    assert 'has no column "stars" for rating' in problem
    with pytest.raises(SourceError, match="2 sources could not be loaded"):
        ingest(inline)
