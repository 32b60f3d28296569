"""Delimited text to records: every physical line is accounted for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.readers import csv_lines, csv_records, records
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.csv_records import Dialect
from ingestion.readers.records import LineCounts
from recomart.errors import SourceError

Row = tuple[str | None, ...]


def read(
    text: bytes,
    width: int = 3,
    *,
    delimiter: bytes = b",",
    quote: bytes = b'"',
    header: bool = False,
    piece: int = 1 << 20,
) -> tuple[list[Row], LineCounts]:
    tally = LineCounts()
    reader = CsvReader(Dialect(delimiter, quote, width), tally, header=header)
    pieces: Iterator[bytes] = (text[i : i + piece] for i in range(0, len(text), piece))
    rows: list[Row] = []
    for batch in reader.batches(pieces):
        table = batch.to_pydict()
        numbers = table.pop("_record")
        assert numbers == list(range(len(rows) + 1, len(rows) + 1 + len(numbers)))
        rows += zip(*table.values(), strict=True)
    tally.check_balance("test")
    return rows, tally


def rejects(tally: LineCounts) -> list[tuple[int, int, str]]:
    return [(r.line, r.byte_offset, r.text) for r in tally.rejects]


PIECES = [1, 2, 3, 7, 1 << 20]


@pytest.mark.parametrize("piece", PIECES)
def test_plain_lines_become_records_and_empty_fields_null(piece: int) -> None:
    rows, tally = read(b'a,b,c\n1,,""\n', header=True, piece=piece)
    assert rows == [("1", None, None)]
    assert (tally.lines, tally.header, tally.records) == (2, 1, 1)


@pytest.mark.parametrize("piece", PIECES)
def test_line_ends_inside_quotes_are_continuation_lines(piece: int) -> None:
    rows, tally = read(b'1,"two\nlines ""x""",c\n4,"\r\n",f\n', piece=piece)
    assert rows == [("1", 'two\nlines "x"', "c"), ("4", "\r\n", "f")]
    assert (tally.lines, tally.continuation, tally.rejected) == (4, 2, 0)


@pytest.mark.parametrize("piece", PIECES)
def test_an_unclosed_quote_costs_one_line(piece: int) -> None:
    rows, tally = read(b'1,a,b\n2,"c,d\n3,e,f\n4,"g",h\n5,i,j\n', piece=piece)
    assert [row[0] for row in rows] == ["1", "3", "4", "5"]
    assert rejects(tally) == [(2, 6, '2,"c,d')]


@pytest.mark.parametrize("piece", PIECES)
def test_wrong_widths_are_rejected_with_line_offset_and_text(piece: int) -> None:
    rows, tally = read(b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n1,2,3\n", header=True, piece=piece)
    assert rows == [("1", "2", "3")] * 2
    assert rejects(tally) == [(3, 12, "4,5"), (4, 16, "6,7,8,9")]
    assert [r.reason for r in tally.rejects] == ["2 fields, expected 3", "4 fields, expected 3"]
    assert tally.blank == 1


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("broken", [b"", b"7,8\n", b'7,"8\n'], ids=["sound", "ragged", "quote"])
def test_lines_of_delimiters_alone_are_blank(piece: int, broken: bytes) -> None:
    rows, tally = read(b"1,2,3\n,,\n" + broken + b'"","",\n,,6\n', piece=piece)
    assert rows == [("1", "2", "3"), (None, None, "6")]
    assert (tally.blank, tally.records, tally.rejected) == (2, 2, bool(broken))


@pytest.mark.parametrize("piece", PIECES)
def test_mixed_line_ends_are_all_line_ends(piece: int) -> None:
    rows, tally = read(b"1,2,3\r\n4,5,6\n7,8,9\r\r\n10,11,12", piece=piece)
    assert [row[0] for row in rows] == ["1", "4", "7", "10"]
    assert (tally.lines, tally.blank) == (5, 1)


@pytest.mark.parametrize("piece", PIECES)
def test_nul_and_bad_utf8_cost_their_line_only(piece: int) -> None:
    rows, tally = read(b"1,2,3\n4,\0,6\n7,\xff,9\n\xc3\xa9,b,c\n", piece=piece)
    assert rows == [("1", "2", "3"), ("é", "b", "c")]
    assert [(r.line, r.reason) for r in tally.rejects] == [
        (2, "NUL byte"),
        (3, "bytes that are not in the declared encoding"),
    ]
    assert tally.rejects[0].text == "4,\\x00,6"


@pytest.mark.parametrize("piece", PIECES)
def test_a_quote_inside_a_plain_field_is_text(piece: int) -> None:
    rows, tally = read(b'1,15" screen,"a,b"\n2,x,"y"\n', piece=piece)
    assert rows == [("1", '15" screen', "a,b"), ("2", "x", "y")]
    assert tally.rejected == 0


def test_text_after_a_closing_quote_is_rejected() -> None:
    rows, tally = read(b'1,"a"b,c\n2,d,e\n')
    assert rows == [("2", "d", "e")]
    assert tally.rejects[0].reason == "text after a closing quote"


@pytest.mark.parametrize("piece", PIECES)
def test_without_a_quote_character_quotes_are_text(piece: int) -> None:
    rows, _ = read(b'1,"a,b\n', quote=b"", piece=piece)
    assert rows == [("1", '"a', "b")]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("delimiter", ["::", "§", "\t", "|", ";"])
def test_any_delimiter(delimiter: str, piece: int) -> None:
    text = f'1{delimiter}a b{delimiter}c\n2{delimiter}d\n3{delimiter}"x{delimiter}y"{delimiter}z\n'
    rows, tally = read(text.encode(), delimiter=delimiter.encode(), piece=piece)
    assert rows == [("1", "a b", "c"), ("3", f"x{delimiter}y", "z")]
    assert [r.line for r in tally.rejects] == [2]


def test_a_line_beyond_the_limit_is_one_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (csv_lines, csv_records):
        monkeypatch.setattr(module, "RECORD_BYTES", 50)
    rows, tally = read(b"1,2,3\n" + b"x" * 200 + b",y\n4,5,6\n", piece=16)
    assert [row[0] for row in rows] == ["1", "4"]
    assert [r.line for r in tally.rejects] == [2]
    assert "longer than" in tally.rejects[0].reason


def test_a_header_may_span_lines() -> None:
    rows, tally = read(b'\na,"b\nc",d\n1,2,3\n', header=True)
    assert rows == [("1", "2", "3")]
    assert (tally.blank, tally.header, tally.lines) == (1, 2, 4)


fields = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
dirty = st.lists(
    st.sampled_from([b"a", b"1", b",", b",", b'"', b"\n", b"\n", b"\r\n", b"\r", b"\0", b"\xff"]),
    max_size=40,
).map(b"".join)


@given(st.lists(st.tuples(fields, fields, fields), max_size=20), st.integers(1, 64))
def test_what_pythons_csv_writes_is_read_back(records: list[Row], piece: int) -> None:
    """The oracle is Python's csv module (it quotes CR only when lines end with it)."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(records)
    rows, tally = read(out.getvalue().encode(), piece=piece)
    filled = [record for record in records if any(record)]
    assert rows == [tuple(field or None for field in record) for record in filled]
    assert (tally.rejected, tally.blank) == (0, len(records) - len(filled))


@given(dirty, st.integers(1, 16))
def test_pieces_do_not_change_what_is_read(text: bytes, piece: int) -> None:
    whole_rows, whole = read(text, width=2)
    rows, tally = read(text, width=2, piece=piece)
    assert rows == whole_rows
    assert tally == whole


@given(dirty)
def test_rejected_text_stands_at_its_offset(text: bytes) -> None:
    _, tally = read(text, width=2)
    for reject in tally.rejects:
        line = text[reject.byte_offset :].replace(b"\r", b"\n").split(b"\n")[0]
        shown = line.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        assert shown == reject.text
        before = text[: reject.byte_offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert reject.line == before.count(b"\n") + 1


@given(st.lists(st.sampled_from(["1,2,3", "4,5", "", '"a","b","c"', "x,y,\0z"]), max_size=30))
def test_the_fast_ways_agree_with_record_by_record(lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines).encode()
    fast_rows, fast = read(text)
    reader = CsvReader(Dialect(b",", b'"', 3), slow := LineCounts(), header=False)
    reader._whole_records = lambda text: (b"", 0)  # type: ignore[method-assign]
    slow_rows: list[Row] = []
    for batch in reader.batches(iter([text])):
        table = batch.drop_columns(["_record"]).to_pydict()
        slow_rows += zip(*table.values(), strict=True)
    assert (fast_rows, fast) == (slow_rows, slow)


def test_a_broken_line_of_a_file_without_quotes_is_rejected_alone() -> None:
    tally = LineCounts()
    reader = CsvReader(Dialect(b"|", b"", 2), tally, header=True)
    text = b'id|title\n1|a "b\n2\n3|c\r4|d\n'  # the bare CR makes it go record by record
    table = pa.Table.from_batches(reader.batches(iter([text])))
    assert table.column("c1").to_pylist() == ['a "b', "c", "d"]
    assert [(r.line, r.reason) for r in tally.rejects] == [(3, "1 fields, expected 2")]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("good", [b"1,2,3\n", b'1,"2\n",3\n'], ids=["by vectors", "one by one"])
def test_reading_ends_where_most_of_many_lines_are_broken(
    monkeypatch: pytest.MonkeyPatch, piece: int, good: bytes
) -> None:
    """Whatever comes after: so that a bomb of broken lines does not fill the memory."""
    monkeypatch.setattr(records, "MANY", 20)
    bad = b"1,2\n"
    read(good * 30 + bad * 30, piece=piece)  # never more broken ones than records
    with pytest.raises(SourceError, match="31 of 61 records cannot be read"):
        read(good * 30 + bad * 31 + good * 100, piece=piece)


@pytest.mark.parametrize("piece", PIECES)
def test_empty_lines_before_a_header_are_counted(piece: int) -> None:
    rows, tally = read(b"\r\n\n\r\r\n\ra,b,c\n1,2,3\n", header=True, piece=piece)
    assert rows == [("1", "2", "3")]
    assert (tally.blank, tally.header, tally.lines) == (5, 1, 7)
