"""JSON lines to records."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.readers import json_objects, records
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_values import JsonColumns, as_text, dumped, parse
from ingestion.readers.records import LineCounts
from recomart.errors import SourceError


def read(
    text: bytes, *paths: str, piece: int = 1 << 20
) -> tuple[list[dict], LineCounts, JsonColumns]:
    tally, columns = LineCounts(), JsonColumns(paths)
    pieces = (text[i : i + piece] for i in range(0, len(text), piece))
    rows = [r for b in JsonLinesReader(columns, tally).batches(pieces) for r in b.to_pylist()]
    tally.check_balance("test")
    return rows, tally, columns


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_values_keep_the_text_that_stands_there(piece: int) -> None:
    text = b'{"a": 1.10, "b": {"c": [1, 2.50, "x"]}, "d": true}\r\n{"a": 1e5, "d": null}'
    rows, tally, columns = read(text, "a", "b.c", "d", piece=piece)
    assert rows == [
        {"c0": "1.10", "c1": '[1,2.50,"x"]', "c2": "true", "_record": 1},
        {"c0": "1e5", "c1": None, "c2": None, "_record": 2},
    ]
    assert tally.lines == 2
    assert columns.absent == []


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_what_is_no_object_is_rejected_with_its_place(piece: int) -> None:
    text = b'{"a": 1}\n[1]\n\n{"a": NaN}\n{"a":\n{"a": "\xff"}\n{"a": "\\ud800"}\n{"a": 2}\n'
    rows, tally, _ = read(text, "a", piece=piece)
    assert [row["c0"] for row in rows] == ["1", "2"]
    assert [row["_record"] for row in rows] == [1, 2]
    assert [(r.line, r.byte_offset) for r in tally.rejects] == [
        (2, 9), (4, 14), (5, 25), (6, 31), (7, 42),
    ]  # fmt: skip
    assert tally.blank == 1


def test_deep_nesting_is_a_reject_and_no_crash() -> None:
    rows, tally, _ = read(b"[" * 100_000 + b'\n{"a": "x"}\n', "a")
    assert len(rows) == tally.rejected == 1


def test_keys_remember_their_first_line() -> None:
    _, _, columns = read(b'{"a": 1}\n{"a": 1, "z": 2}\n', "a", "b")
    assert columns.keys == {"a": 1, "z": 2}
    assert columns.absent == ["b"]


def test_a_dotted_path_that_no_record_has_is_absent() -> None:
    _, _, columns = read(b'{"a": {"b": 1}}\n', "a.b", "a.c")
    assert columns.absent == ["a.c"]


def test_texts_of_values() -> None:
    assert as_text("") is None
    assert as_text(parse(b"0.30")) == "0.30"
    assert dumped(parse('{"é":[true,null,1.0]}')) == '{"é":[true,null,1.0]}'


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
odd = st.sampled_from(
    ["1.10", "1e5", "-0", "NaN", "-inf", "[1.50]", '{"b": 2.0}', "[1,]", '"1.5,]"', "truth", "01"]
)
values = scalars.map(json.dumps) | odd | st.just('"2025-01-01T00:00:00.000Z"')
objects = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "z"]), values), max_size=4).map(
    lambda items: "{" + ", ".join(f'"{key}": {value}' for key, value in items) + "}"
)
lines = st.lists(objects | values | st.just("") | st.just(" \r"), max_size=12)


@settings(deadline=None)  # a busy machine is no failure
@given(lines)
def test_duckdb_and_python_read_the_same(found: list[str]) -> None:
    """The oracle is the exact reader, one line at a time."""
    text = "\n".join(found).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_objects, "FEW_OBJECTS", 0)
        fast_rows, fast, fast_columns = read(text, "a", "b", "c")
        patch.setattr(json_objects, "FEW_OBJECTS", 10_000)
        rows, tally, columns = read(text, "a", "b", "c")
    assert (fast_rows, fast, fast_columns.keys) == (rows, tally, columns.keys)


@pytest.mark.parametrize("piece", [7, 64, 1 << 20])
def test_a_line_beyond_the_limit_is_one_reject(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(json_objects, "RECORD_BYTES", 50)
    text = b'{"a": 1}\n{"a": "' + b"x" * 200 + b'"}\n{"a": 2}\n' + b" " * 60
    rows, tally, _ = read(text, "a", piece=piece)
    assert [row["c0"] for row in rows] == ["1", "2"]
    assert [(r.line, r.byte_offset) for r in tally.rejects] == [(2, 9), (4, 228)]
    assert all("longer than" in r.reason for r in tally.rejects)


def test_a_line_beyond_the_limit_is_a_reject_among_many_lines_too() -> None:
    long = b'{"a": "' + b"x" * json_objects.RECORD_BYTES + b'"}\n'
    few, many = b'{"a": 1}\n', b'{"a": 1}\n' * 2 * json_objects.FEW_OBJECTS
    for others in (few, many):
        _, tally, _ = read(others + long, "a", piece=1 << 23)
        assert [r.line for r in tally.rejects] == [others.count(b"\n") + 1]


def test_reading_ends_where_most_of_many_lines_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MANY", 20)
    good, bad = b'{"a": 1}\n', b"[]\n"
    read(good * 30 + bad * 30, "a")  # never more broken ones than records
    with pytest.raises(SourceError, match="31 of 61 records cannot be read"):
        read(good * 30 + bad * 31 + good, "a", piece=1 << 20)
