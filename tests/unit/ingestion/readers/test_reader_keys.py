"""What readers ask of a source: each key has a default for kinds that lack it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import pytest

from ingestion.readers.pages import PageFormat
from ingestion.readers.text_format import TextFormat
from ingestion.sources.api import ApiSource
from ingestion.sources.files import FileSource
from recomart.shop.sources import Source


class Bare(Source):
    """A kind of source without any key that a reader asks for."""

    kind: ClassVar[str] = "bare"


def test_a_kind_without_the_keys_of_text_is_read_as_utf8_with_commas_and_a_header() -> None:
    assert TextFormat.of(Bare(columns={})) == TextFormat("utf-8", ",", '"', True, ())


def test_a_kind_without_the_keys_of_pages_has_its_records_under_items() -> None:
    assert PageFormat.of(Bare(columns={})) == PageFormat("items", None)


@pytest.mark.parametrize(("asked", "model"), [(TextFormat, FileSource), (PageFormat, ApiSource)])
def test_a_key_has_one_default_wherever_it_is_declared(asked: Any, model: type[Source]) -> None:
    for name, default in asdict(asked()).items():
        assert model.model_fields[name].default == default, name


def test_keys_are_taken_as_the_shop_file_gives_them() -> None:
    source = FileSource.model_validate(
        {
            "files": "a.txt",
            "columns": {},
            "encoding": "latin-1",
            "delimiter": "::",
            "quote": "'",
            "header": False,
            "fields": ["a", "b"],
        }
    )
    assert TextFormat.of(source) == TextFormat("latin-1", "::", "'", False, ("a", "b"))
    pages = ApiSource.model_validate({"api": "x", "columns": {}, "items": "data", "each": "lines"})
    assert PageFormat.of(pages) == PageFormat("data", "lines")
