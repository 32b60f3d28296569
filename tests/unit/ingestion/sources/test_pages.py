"""Records of a catalogue's pages: its items, or the elements of lists inside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingestion.readers.json_values import JsonColumns
from ingestion.readers.pages import PageFormat, batches, framed
from ingestion.readers.records import LineCounts


def read(folder: Path, items: list[Any], paths: tuple[str, ...], each: str | None = None):
    written = PageFormat(each=each)
    body = json.dumps({"items": items}).encode()
    (folder / "a.pages").write_bytes(b"".join(framed([body, body])))
    tally = LineCounts()
    rows: list[dict[str, Any]] = []
    for batch in batches(folder / "a.pages", written, JsonColumns(paths), tally):
        rows += batch.to_pylist()
    return [tuple(row.values()) for row in rows], tally


ORDER = {"id": 7, "by": {"name": "Ann"}, "lines": [{"sku": "a", "n": 1.50}, {"sku": "b"}]}


def test_elements_of_a_nested_list_know_their_item_and_their_place(tmp_path: Path) -> None:
    rows, tally = read(tmp_path, [ORDER], ("^.id", "#", "sku", "n", "^.by.name"), "lines")
    assert rows == [
        ("7", "1", "a", "1.5", "Ann", 1),
        ("7", "2", "b", None, "Ann", 2),
        ("7", "1", "a", "1.5", "Ann", 3),  # the second page is the first once more
        ("7", "2", "b", None, "Ann", 4),
    ]
    assert (tally.lines, tally.records, tally.rejected) == (4, 4, 0)


def test_what_is_no_list_or_no_object_is_a_reject_and_all_balances(tmp_path: Path) -> None:
    items = [ORDER, 5, {"id": 8}, {"id": 9, "lines": []}, {"lines": "a"}, {"lines": [1, {}]}]
    rows, tally = read(tmp_path, items, ("sku",), "lines")
    assert [row[0] for row in rows] == ["a", "b", None] * 2
    assert [(r.line, r.reason, r.text) for r in tally.rejects][:3] == [
        (3, "an item that is not an object", "5"),
        (4, "no list at 'lines'", '"a"'),
        (5, "an element of 'lines' that is not an object", "1"),
    ]
    assert tally.lines == 12 == tally.records + tally.rejected


def test_without_each_an_item_is_a_record(tmp_path: Path) -> None:
    rows, tally = read(tmp_path, [ORDER], ("id", "by.name"))
    assert rows == [("7", "Ann", 1), ("7", "Ann", 2)]
    assert (tally.lines, tally.records) == (2, 2)


def test_a_number_in_a_path_is_a_place_in_a_list(tmp_path: Path) -> None:
    item = {"id": 7, "categories": [{"name": "a"}, {"name": "b"}], "0": "zero"}
    paths = ("categories.1.name", "categories.2.name", "categories.x", "0", "categories.0")
    rows, _ = read(tmp_path, [item], paths)
    assert rows[0] == ("b", None, None, "zero", '{"name":"a"}', 1)


def test_a_path_is_absent_if_a_key_on_it_is_missing_everywhere() -> None:
    paths = ("^.by.id", "^.by.sku", "tags.1.name", "tags.0.nick", "n", "name.first")
    columns = JsonColumns(paths)
    columns.row({"^": {"by": None}, "tags": [], "name": "Ann"})
    assert columns.absent == ["n", "name.first"], "a null or a short list shows nothing"
    columns = JsonColumns(paths)
    columns.row({"^": {"by": {"id": None}}, "tags": [{"name": 1}], "n": None, "name": None})
    assert columns.absent == ["^.by.sku", "tags.0.nick"]
