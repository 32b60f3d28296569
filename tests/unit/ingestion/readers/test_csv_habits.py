"""Habits of spreadsheets and databases: lines above the table, fields without a name, escapes.

The oracle of the escapes is a writer made from MySQL's description of SELECT ... INTO OUTFILE.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingestion.readers.csv_header import HeaderNames, opening, read_header
from ingestion.readers.csv_lines import CsvReader
from ingestion.readers.csv_records import Broken, Dialect
from ingestion.readers.records import LineCounts
from ingestion.readers.text_format import TextFormat
from recomart.errors import SourceError

Row = tuple[str | None, ...]
PIECES = [1, 2, 3, 7, 1 << 20]


def read(
    text: bytes, dialect: Dialect, *, piece: int, header: bool = True, lines_above: int = 0
) -> tuple[list[Row], LineCounts]:
    counts = LineCounts()
    reader = CsvReader(dialect, counts, header=header, lines_above=lines_above)
    pieces = (text[i : i + piece] for i in range(0, len(text), piece))
    rows: list[Row] = []
    for batch in reader.batches(pieces):
        table = batch.to_pydict()
        numbers = table.pop("_record")
        assert numbers == list(range(len(rows) + 1, len(rows) + 1 + len(numbers)))
        rows += zip(*table.values(), strict=True)
    counts.check_balance("test")
    return rows, counts


@pytest.mark.parametrize("piece", PIECES)
def test_lines_above_the_table_count_as_header(piece: int) -> None:
    text = b'Report of "May\r\n;;\r\nname;n\r\na;1\r\n'
    rows, counts = read(text, Dialect(b";", b'"', 2), piece=piece, lines_above=2)
    assert rows == [("a", "1")]
    assert (counts.lines, counts.header, counts.blank, counts.records) == (4, 3, 0, 1)


@pytest.mark.parametrize("piece", PIECES)
def test_empty_rows_above_the_header_are_blank(piece: int) -> None:
    rows, counts = read(b"\n;\n;;;\r\n\rname;n\na;1\n", Dialect(b";", b'"', 2), piece=piece)
    assert rows == [("a", "1")]
    assert (counts.lines, counts.header, counts.blank) == (6, 1, 4)


def test_a_file_that_ends_above_its_table_has_no_records() -> None:
    rows, counts = read(b"a\nb", Dialect(b",", b'"', 1), piece=1, lines_above=5)
    assert rows == []
    assert (counts.lines, counts.header) == (2, 2)


def begins(folder: Path, content: bytes, **written: object) -> tuple[str, int, HeaderNames]:
    path = folder / "a.csv"
    path.write_bytes(content)
    found = opening(path, TextFormat(**written))  # type: ignore[arg-type]
    return found.written.delimiter, found.lines_above, read_header(path, found)


@pytest.mark.parametrize(
    ("content", "delimiter", "line"),
    [
        (b"sep=;\na;b\n1;2\n", ";", 2),
        (b"\xef\xbb\xbfSEP=|\r\na|b\r\n1|2\r\n", "|", 2),
        (b'"sep=\t"\n\na\tb\n1\t2\n', "\t", 3),
        (b"a,b\nsep=;\n", ",", 1),
    ],
)
def test_the_first_line_of_a_spreadsheet_names_the_delimiter(
    tmp_path: Path, content: bytes, delimiter: str, line: int
) -> None:
    found, above, header = begins(tmp_path, content)
    assert (found, above, header.names, header.line) == (delimiter, line > 1, ("a", "b"), line)


def test_skipped_lines_are_those_of_the_file_with_the_delimiter_s(tmp_path: Path) -> None:
    found, above, header = begins(tmp_path, b"sep=;\nTitle\na;b\n1;2\n", skip_lines=2)
    assert (found, above, header.names, header.line) == (";", 2, ("a", "b"), 3)


def test_a_declared_delimiter_and_another_in_the_file_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"sep=;\na;b\n")
    with pytest.raises(SourceError) as caught:
        opening(path, TextFormat(delimiter="|"), where="shop.yml:3")
    assert (caught.value.code, caught.value.where) == ("wrong-delimiter", "shop.yml:3")


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b",a,b\n0,1,2\n", ("unnamed_1", "a", "b")),
        (b"a,b,\n1,2,\n", ("a", "b", "unnamed_3")),
        (b"a,,b,\n1,,2,\n", ("a", "unnamed_2", "b", "unnamed_4")),
        (b"a,b\n\n1,2,\n", ("a", "b", "unnamed_3")),
        (b"a,b\n,,\n1,2,\n", ("a", "b", "unnamed_3")),
        (b"a,b\n1,2,3\n", ("a", "b")),
        (b"a,b\n", ("a", "b")),
    ],
)
def test_a_field_without_a_name_is_called_by_its_place(
    tmp_path: Path, content: bytes, columns: tuple[str, ...]
) -> None:
    assert begins(tmp_path, content)[2].columns == columns


ESCAPING = Dialect(b",", b'"', 3, b"\\")


@pytest.mark.parametrize("piece", PIECES)
def test_escapes_of_mysql_are_read(piece: int) -> None:
    text = (
        rb'1,"say \"hi\"","a\\b"' b"\n"
        rb"2,\N,one\ntwo\ttab" b"\n"
        b"3,one\\\ntwo,a\\,b\n"
        rb'4,"\N","it\'s 5\%"' b"\n"
        rb'5,"a""b\,c",x\Ny' b"\n"
    )  # fmt: skip
    rows, counts = read(text, ESCAPING, piece=piece, header=False)
    assert rows == [
        ("1", 'say "hi"', "a\\b"),
        ("2", None, "one\ntwo\ttab"),
        ("3", "one\ntwo", "a,b"),
        ("4", None, "it's 5%"),
        ("5", 'a"b,c', "xNy"),
    ]
    assert (counts.lines, counts.continuation, counts.records) == (6, 1, 5)


@pytest.mark.parametrize("piece", PIECES)
def test_an_escaped_nul_or_a_torn_escape_costs_its_line(piece: int) -> None:
    rows, counts = read(b"1,\\0,x\n2,b,c\n3,d,e\\", ESCAPING, piece=piece, header=False)
    assert rows == [("2", "b", "c")]
    assert [(r.line, r.reason) for r in counts.rejects] == [
        (1, "NUL byte"), (3, "the escape sign is its last sign"),
    ]  # fmt: skip


def test_without_the_key_a_backslash_is_text() -> None:
    rows, _ = read(b"a\\n,\\N,\\\\\n", Dialect(b",", b'"', 3), piece=9, header=False)
    assert rows == [("a\\n", "\\N", "\\\\")]


def exported(field: str | None, *, quoted: bool) -> bytes:
    """A field as SELECT ... INTO OUTFILE writes it: FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY
    '"' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'."""
    if field is None:
        return b"\\N"
    special = '\\"' if quoted else '\\",\n'
    text = "".join(f"\\{sign}" if sign in special else sign for sign in field).encode()
    return b'"' + text + b'"' if quoted else text


signs = st.text(alphabet='ab\\",\n\r\tNn0é\x01', min_size=1, max_size=6)
fields = st.none() | signs.filter(lambda text: text != "\\N")
tables = st.lists(st.tuples(fields, fields, st.booleans()), max_size=8)


@given(tables, st.sampled_from(PIECES), st.integers(0, 2), st.booleans())
def test_any_export_of_mysql_is_read_back_and_its_lines_balance(
    table: list[tuple[str | None, str | None, bool]], piece: int, above: int, blanks: bool
) -> None:
    text = b'Title "of\\ it\n' * above + b"id,a,b\n"
    wanted: list[Row] = []
    for number, (a, b, quoted) in enumerate(table):
        line = [str(number).encode(), exported(a, quoted=quoted), exported(b, quoted=quoted)]
        text += b",".join(line) + b"\n" + (b",,\n\r\n" if blanks else b"")
        wanted.append((str(number), a, b))
    plain = [row for row in wanted if "\r" not in f"{row[1]}{row[2]}"]
    rows, counts = read(text, ESCAPING, piece=piece, lines_above=above)
    if len(plain) == len(wanted):
        assert rows == wanted
        assert (counts.header, counts.blank) == (above + 1, 2 * len(table) * blanks)
        assert counts.rejected == 0
    else:
        # MySQL does not escape CR, which is a line end here unless it is in quotes
        assert set(plain) <= set(rows)


@given(
    st.text(alphabet='ab\\",;\n\rN0\x00', max_size=40),
    st.sampled_from(["", "\\"]),
    st.integers(0, 3),
    st.booleans(),
    st.integers(1, 5),
)
def test_any_text_balances_and_is_read_alike_in_any_pieces(
    text: str, escape: str, above: int, header: bool, piece: int
) -> None:
    dialect = Dialect(b",", b'"', 2, escape.encode())
    content = text.encode()
    try:
        read(content, dialect, piece=len(content) + 1, header=header, lines_above=above)
    except Broken:
        assume(False)  # the header is checked before the records are read
    whole, counts = read(content, dialect, piece=1 << 20, header=header, lines_above=above)
    parts, other = read(content, dialect, piece=piece, header=header, lines_above=above)
    assert (whole, counts) == (parts, other)
