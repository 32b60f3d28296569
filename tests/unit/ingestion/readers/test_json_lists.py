"""Lists of objects in JSON documents to records. The oracle is Python's json module."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.readers import json_lists, json_objects
from ingestion.readers.json_lists import JsonListReader, lists_in
from ingestion.readers.json_structure import COMMA, Scanner, may_repeat_inner_keys
from ingestion.readers.json_values import JsonColumns
from ingestion.readers.records import LineCounts
from recomart.errors import SourceError

PATHS = ("a", "b.c", "d")


def read(
    text: bytes, items: str | None = None, *, piece: int = 1 << 20, each: str | None = None
) -> tuple[list[dict[str, Any]], LineCounts]:
    counts = LineCounts()
    pieces = (text[i : i + piece] for i in range(0, len(text), piece))
    reader = JsonListReader(JsonColumns(PATHS), counts, "a.json", items, each)
    rows = [row for batch in reader.batches(pieces) for row in batch.to_pylist()]
    counts.check_balance("test")
    return rows, counts


class Digits(str):
    """A number, as it is written."""


def expected(document: str, items: str | None) -> tuple[list[list[Any]], int]:
    """The values of the records at PATHS, and how many elements are no objects."""
    value = json.loads(document, parse_int=Digits, parse_float=Digits)
    for key in items.split(".") if items else ():
        value = value[key]
    objects = [one for one in value if isinstance(one, dict)]
    rows = []
    for one in objects:
        inner = one.get("b")
        rows.append(
            [one.get("a"), inner.get("c") if isinstance(inner, dict) else None, one.get("d")]
        )
    return rows, len(value) - len(objects)


def as_value(text: str | None, like: Any) -> Any:
    """What a text of ours says, compared with the value that it is made of."""
    if isinstance(like, dict | list):
        return json.loads(text or "", parse_int=Digits, parse_float=Digits)
    if isinstance(like, bool):
        return {"true": True, "false": False}.get(text or "")
    return "" if text is None and like == "" else text


numbers = st.sampled_from(
    ["1.10", "-0", "9007199254740993", "12345678901234567890123", "1e400", "2E-3"]
)
texts = st.text(alphabet='[]{}:,"\\\\ é\U0001f600\nab', max_size=6)
scalars = numbers | texts.map(json.dumps) | st.sampled_from(["null", "true", "false"])
spaces = st.sampled_from(["", " ", "\n  ", "\t", "\r\n"])


@st.composite
def written(draw: st.DrawFn, depth: int = 2) -> str:
    """A JSON value as text, with white space anywhere."""
    kind = draw(st.sampled_from(["scalar", "list", "object"] if depth else ["scalar"]))
    space = lambda: draw(spaces)  # noqa: E731 - drawn anew at each place
    if kind == "scalar":
        return draw(scalars)
    if kind == "list":
        inner = draw(st.lists(written(depth - 1), max_size=3))
        return f"[{space()}" + ",".join(f"{space()}{one}{space()}" for one in inner) + "]"
    keys = draw(
        st.lists(st.sampled_from(["a", "b", "c", "d", "e\\n", "{["]), unique=True, max_size=4)
    )
    parts = [
        f'{space()}"{key}"{space()}:{space()}{draw(written(depth - 1))}{space()}' for key in keys
    ]
    return "{" + ",".join(parts) + "}"


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, str | None]:
    """A document and the path of the list in it."""
    elements = draw(st.lists(written(), max_size=8))
    text = (
        "["
        + ",".join(f"{draw(spaces)}{one}{draw(spaces)}" for one in elements)
        + draw(spaces)
        + "]"
    )
    keys = draw(st.lists(st.sampled_from(["products", "data", "x"]), max_size=2, unique=True))
    for key in keys:
        around = [f'"{key}": {text}', f'"meta": {draw(written())}', f'"total": {draw(scalars)}']
        text = "{" + f",{draw(spaces)}".join(draw(st.permutations(around))) + "}"
    return draw(spaces) + text + draw(spaces), ".".join(reversed(keys)) or None


@settings(deadline=None, max_examples=60)
@given(documents(), st.sampled_from([1, 2, 3, 7, 1 << 20]), st.booleans())
def test_any_list_is_read_as_python_reads_it(
    document: tuple[str, str | None], piece: int, fast: bool
) -> None:
    text, items = document
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_objects, "FEW_OBJECTS", 0 if fast else 10_000)
        rows, counts = read(text.encode(), items, piece=piece)
    wanted, misfits = expected(text, items)
    found = [
        [as_value(row[f"c{i}"], like) for i, like in enumerate(values)]
        for row, values in zip(rows, wanted, strict=True)
    ]
    assert found == wanted
    assert [row["_record"] for row in rows] == list(range(1, len(rows) + 1))
    assert counts.rejected == misfits
    assert counts.lines == len(rows) + misfits


@pytest.mark.parametrize("piece", [1, 4, 1 << 20])
@pytest.mark.parametrize(
    ("text", "items", "code"),
    [
        (b'[{"a": 1}, {"a": 2}', None, "broken-json"),
        (b'[{"a": 1}, {"a": "2', None, "broken-json"),
        (b'[{"a": 1}] [', None, "broken-json"),
        (b'[{"a": 1}}', None, "broken-json"),
        (b'{"x": [{"a": 1}], "x": [{"a": 2}]}', "x", "broken-json"),
        (b'{"x": [{"a": 1}], "total": 1', "x", "broken-json"),
        (b'{"x": [{"a": 1}]}', None, "no-list"),
        (b'{"x": [{"a": 1}]}', "y", "no-list"),
        (b'{"x": {"a": 1}}', "x", "no-list"),
        (b'{"x": [[{"a": 1}]]}', "x.y", "no-list"),
        (b'[{"a": 1}]', "x", "no-list"),
        (b'"a"', None, "no-list"),
        (b'{"a": 1}\n{"a": 2}\n', "a", "broken-json"),
    ],
)
def test_a_torn_document_or_one_without_the_list_is_an_error(
    text: bytes, items: str | None, code: str, piece: int
) -> None:
    with pytest.raises(SourceError) as caught:
        read(text, items, piece=piece)
    assert caught.value.code == code


def test_the_error_names_the_lists_that_there_are() -> None:
    with pytest.raises(SourceError) as caught:
        read(b'{"shop": {"products": []}, "users": [1, [2]]}', "products")
    assert "lists in it: shop.products, users" in (caught.value.found or "")
    assert caught.value.help == "set items: shop.products"


def test_lists_are_found_in_the_start_of_a_document() -> None:
    assert lists_in(b'{"a": {"b": [{"c": []}]}, "d": [') == ("a.b", "d")
    assert lists_in(b" [ {") == ("",)


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_an_element_that_is_no_object_is_rejected_with_its_place(piece: int) -> None:
    text = b'[{"a": 1}, 7, {"a": NaN},{"a": 1,}, , {"a": "\xff"},\n {"a": 2},]'
    rows, counts = read(text, piece=piece)
    assert [row["c0"] for row in rows] == ["1", "2"]
    rejects = [
        (r.line, r.byte_offset, r.reason.removeprefix("not a JSON object: "))
        for r in counts.rejects
    ]
    assert [(line, text[at : at + 2]) for line, at, _ in rejects] == [
        (2, b" 7"), (3, b' {'), (4, b'{"'), (5, b" ,"), (6, b' {'), (8, b"]"),
    ]  # fmt: skip
    assert "a JSON Number, expected an object" in rejects[0][2]
    assert "NaN" in rejects[1][2]


@pytest.mark.parametrize("piece", [3, 64, 1 << 20])
def test_an_element_beyond_the_limit_is_one_reject(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(json_objects, "RECORD_BYTES", 50)
    text = b'[{"a": 1},{"a": ["' + b"x,]}" * 60 + b'"]},{"a": 2},{"a": "' + b"y" * 99 + b'"}]'
    rows, counts = read(text, piece=piece)
    assert [row["c0"] for row in rows] == ["1", "2"]
    assert [(r.line, r.byte_offset) for r in counts.rejects] == [(2, 10), (4, 271)]
    assert all("longer than" in r.reason for r in counts.rejects)


def test_what_is_around_the_list_may_not_be_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lists, "AROUND_BYTES", 100)
    with pytest.raises(SourceError, match="no list at 'x'"):
        read(b'{"a": "' + b"y" * 200 + b'", "x": [{}]}', "x", piece=10)


def test_the_elements_of_a_nested_list_are_the_records() -> None:
    text = b'[{"a": 1, "l": [{"d": 1.50}, {"d": 2}, 3]}, {"a": 2}, {"a": 3, "l": {}}]'
    counts = LineCounts()
    reader = JsonListReader(JsonColumns(("^.a", "#", "d")), counts, "a.json", None, "l")
    rows = [list(row.values()) for b in reader.batches(iter([text])) for row in b.to_pylist()]
    assert rows == [["1", "1", "1.50", 1], ["1", "2", "2", 2]]
    assert [(r.line, r.reason) for r in counts.rejects] == [
        (1, "an element of 'l' that is not an object"), (3, "no list at 'l'"),
    ]  # fmt: skip
    assert (counts.lines, counts.records) == (4, 2)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "twice",
    ['{"a": 1, "a": 1}', '{"d": {"x": 1, "y": 2, "x": 3}}', '{"d": [{"x": 1}, {"x": 1, "x": 2}]}',
     r'{"d": {"x": 1, "\u0078": 2}}'],
)  # fmt: skip
def test_a_key_that_occurs_twice_in_an_object_is_a_reject(
    monkeypatch: pytest.MonkeyPatch, twice: str, fast: bool
) -> None:
    monkeypatch.setattr(json_objects, "FEW_OBJECTS", 0 if fast else 10_000)
    once = '{"a": {"x": 1}, "d": [{"x": 1}, {"x": 2}]}'
    rows, counts = read(f"[{once},{twice},{once}]".encode())
    assert len(rows) == 2
    [reject] = counts.rejects
    assert reject.line == 2
    assert reject.reason.endswith('" occurs twice')


@settings(deadline=None, max_examples=40)
@given(st.lists(written(3).filter(lambda text: text.startswith("{")), max_size=6), st.randoms())
def test_repeated_keys_are_found_wherever_they_are(objects: list[str], rng: random.Random) -> None:
    """Each object alone is without repeats; one gets a twin of one of its keys."""
    plain = [" ".join(text.split("\n")) for text in objects]
    assert not may_repeat_inner_keys([text.encode() for text in plain]).any() or any(
        "\\" in t for t in plain
    )
    longer = "product_attribute_of_the_"
    with_long = [
        f'{{"in": {{"{longer}color": {text}, "{longer}shape": {text}}}}}' for text in plain
    ]
    twins = [text[:-2] + f', "{longer}color": 1}}}}' for text in with_long]
    at = rng.randrange(len(plain)) if plain else 0
    mixed = [twins[i] if i == at else text for i, text in enumerate(with_long)]
    found = may_repeat_inner_keys([text.encode() for text in mixed])
    assert not plain or found[at]


@given(st.lists(st.sampled_from(['"', "\\", "{", "a", ","]), max_size=14), st.data())
def test_pieces_change_no_mark(signs: list[str], data: st.DataObject) -> None:
    """The oracle is a scan of one sign after the other."""
    text = "".join(signs).encode()
    in_string, escaped, level, wanted = False, False, 0, []
    for at, sign in enumerate("".join(signs)):
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"':
            in_string = not in_string
        elif not in_string and sign in "{,":
            wanted.append((at, level))
            level += sign == "{"
    scanner, found, at = Scanner(COMMA), [], 0
    while at < len(text):
        size = data.draw(st.integers(1, len(text) - at))
        marks = scanner.marks(text[at : at + size])
        found += [(at + int(i), int(n)) for i, n in zip(marks.at, marks.levels, strict=True)]
        at += size
    if "\\{" not in text.decode() and "\\," not in text.decode():  # no JSON outside of strings
        assert found == wanted
