"""Files that are wrong in one way each, and what must come out: the table of docs/bad-files.md.

Expected rows, rejects and reasons are written by hand. test_bad_files.py loads the files of all
cases in one go per encoding, so that none may harm another.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

RATINGS = "user,item,stars,time\n"
PRODUCTS = "id,name,kind,price\n"
ORDERS = "order,line,user,item,count,each,time\n"
T = "2026-01-01T00:00:00Z"  # events are of 2026-01-03, so that features know of this day

SHOWN = {
    "ratings": "user_id, product_id, rating",
    "products": "product_id, title, price",
    "transactions": "order_id, product_id, quantity, unit_price",
    "events": "event_id, user_id, product_id, occurred_at",
}
"""What File.rows holds of an entity's rows, as text and in the file's order."""


@dataclass(frozen=True)
class File:
    """A file named `<entity>/<name>`, and what becomes of it."""

    name: str
    content: bytes
    rows: tuple[tuple[str | None, ...], ...] = ()
    rejects: tuple[tuple[int, str], ...] = ()
    """Lines that are no record: number, and a part of the reason."""
    error: str | None = None
    """The code, and parts of the message after it, when the file fails whole."""
    quarantined: tuple[tuple[int, str], ...] = ()
    """Records that staging sets aside: number, and the reasons."""
    lines: str = ""
    """Other terms of its account than records and rejects, as `header 1 blank 2`."""
    encoding: str = "utf-8"
    """As the shop file declares it."""

    @property
    def entity(self) -> str:
        return self.name.split("/")[0]


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    outcome: str
    where: str
    files: tuple[File, ...]


RAW = "`raw.ratings`"
REJECTS = "`raw.rejects`"
LOADS = "`raw._loads`, status `failed`"
CASES = (
    Case(
        "Byte-order mark before UTF-8",
        "Loaded. The mark is not part of the first column's name.",
        RAW,
        (
            File(
                "ratings/bom.csv",
                b"\xef\xbb\xbf" + f"{RATINGS}bom1,p1,5,{T}\n".encode(),
                (("bom1", "p1", "5"),),
            ),
            File(
                "events/bom.jsonl",
                b'\xef\xbb\xbf{"id": "bom", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n',
                (("bom", "u1", "p1", "1767398400"),),
            ),
        ),
    ),
    Case(
        "UTF-16 with a mark, in a source declared UTF-8",
        "The file fails: `wrong-encoding`, with the encoding to declare.",
        LOADS,
        (
            File(
                "ratings/utf16.csv",
                f"{RATINGS}x1,p1,5,{T}\n".encode("utf-16"),
                error="wrong-encoding declare encoding: utf-16",
            ),
        ),
    ),
    Case(
        "UTF-16 without a mark, in a source declared UTF-8",
        "The file fails: `wrong-encoding`.",
        LOADS,
        (
            File(
                "ratings/utf16_no_mark.csv",
                f"{RATINGS}x2,p1,5,{T}\n".encode("utf-16-le"),
                error="wrong-encoding NUL bytes",
            ),
        ),
    ),
    Case(
        "UTF-16 with a mark, declared",
        "Loaded.",
        RAW,
        (
            File(
                "ratings/mark.csv",
                f"{RATINGS}ü😀,p1,5,{T}\r\n".encode("utf-16"),
                (("ü😀", "p1", "5"),),
                encoding="utf-16",
            ),
        ),
    ),
    Case(
        "UTF-16 without a mark, declared `utf-16`",
        "The file fails: `wrong-encoding`, because only a mark gives the order of its bytes. "
        "Declared `utf-16-le` or `utf-16-be`, it is loaded.",
        LOADS,
        (
            File(
                "ratings/no_mark.csv",
                f"{RATINGS}ü2,p1,5,{T}\n".encode("utf-16-le"),
                error="wrong-encoding utf-16-le",
                encoding="utf-16",
            ),
            File(
                "ratings/little.csv",
                f"{RATINGS}ü3,p1,5,{T}\n".encode("utf-16-le"),
                (("ü3", "p1", "5"),),
                encoding="utf-16-le",
            ),
        ),
    ),
    Case(
        "UTF-16 cut off in the middle of a character",
        "The torn line is rejected, the others are loaded.",
        REJECTS,
        (
            File(
                "ratings/torn.csv",
                f"{RATINGS}whole,p1,5,{T}\ntorn,p1,5,{T}\n".encode("utf-16")[:-1],
                (("whole", "p1", "5"),),
                rejects=((3, "not in the declared encoding"),),
                encoding="utf-16",
            ),
        ),
    ),
    Case(
        "Half of a UTF-16 pair",
        "Its line is rejected, the others are loaded.",
        REJECTS,
        (
            File(
                "ratings/half_pair.csv",
                f"{RATINGS}half".encode("utf-16")
                + b"\x00\xd8"
                + f",p1,5,{T}\nnext,p1,5,{T}\n".encode("utf-16-le"),
                (("next", "p1", "5"),),
                rejects=((2, "not in the declared encoding"),),
                encoding="utf-16",
            ),
        ),
    ),
    Case(
        "Latin-1 in a source declared UTF-8",
        "Lines with such bytes are rejected, the others are loaded.",
        REJECTS,
        (
            File(
                "ratings/latin1.csv",
                f"{RATINGS}plain,p1,5,{T}\nJosé,p1,4,{T}\nlast,p1,3,{T}\n".encode("latin-1"),
                (("plain", "p1", "5"), ("last", "p1", "3")),
                rejects=((3, "not in the declared encoding"),),
            ),
            File(
                "events/latin1.jsonl",
                '{"id": "é", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n'
                '{"id": "latin", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n'.encode(
                    "latin-1"
                ),
                (("latin", "u1", "p1", "1767398400"),),
                rejects=((1, "not in the declared encoding"),),
            ),
        ),
    ),
    Case(
        "Latin-1 in the header of a source declared UTF-8",
        "The file fails: `no-header`.",
        LOADS,
        (
            File(
                "ratings/latin1_header.csv",
                f"Benützer,item,stars,time\nx3,p1,5,{T}\n".encode("latin-1"),
                error="no-header check encoding (utf-8)",
            ),
        ),
    ),
    Case(
        "Latin-1, declared",
        "Loaded.",
        RAW,
        (
            File(
                "ratings/declared.csv",
                f"{RATINGS}José,p1,4,{T}\n".encode("latin-1"),
                (("José", "p1", "4"),),
                encoding="latin-1",
            ),
        ),
    ),
    Case(
        "Ragged rows: fields too few or too many",
        "Each such line is rejected, the others are loaded.",
        REJECTS,
        (
            File(
                "ratings/ragged.csv",
                f"{RATINGS}r1,p1,5,{T}\nr2,p1,5\nr3,p1,5,{T},more\nr4,p1,5,{T}\n".encode(),
                (("r1", "p1", "5"), ("r4", "p1", "5")),
                rejects=((3, "3 fields, expected 4"), (4, "5 fields, expected 4")),
            ),
        ),
    ),
    Case(
        "Line ends inside quotes",
        "Loaded, with the line ends in the value. The account counts continuation lines.",
        RAW,
        (
            File(
                "products/quoted_newlines.csv",
                f'{PRODUCTS}q1,"two\nlines\r\nthree ""x""",toys,5\nq2,plain,toys,5\n'.encode(),
                (("q1", 'two\nlines\r\nthree "x"', "5"), ("q2", "plain", "5")),
                lines="header 1 continuation 2",
            ),
        ),
    ),
    Case(
        "A quote that never closes",
        "Its line is rejected; what follows is loaded.",
        REJECTS,
        (
            File(
                "products/unclosed.csv",
                f'{PRODUCTS}c1,a,toys,5\nc2,"open,toys,5\nc3,"b",toys,5\nc4,c,toys,5\n'.encode(),
                (("c1", "a", "5"), ("c3", "b", "5"), ("c4", "c", "5")),
                rejects=((3, "quote"),),
            ),
        ),
    ),
    Case(
        "A quote in the header that never closes",
        "The file fails: `no-header`.",
        LOADS,
        (
            File(
                "ratings/unclosed_header.csv",
                f'user,item,"stars,time\nx4,p1,5,{T}\n'.encode(),
                error="no-header",
            ),
        ),
    ),
    Case(
        "NUL bytes",
        "Lines with one are rejected, the others are loaded.",
        REJECTS,
        (
            File(
                "ratings/nul.csv",
                f"{RATINGS}n1,p\0,5,{T}\nn2,p1,5,{T}\n".encode(),
                (("n2", "p1", "5"),),
                rejects=((2, "NUL byte"),),
            ),
            File(
                "events/nul.jsonl",
                b'{"id": "n\0", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n'
                b'{"id": "nul", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n',
                (("nul", "u1", "p1", "1767398400"),),
                rejects=((1, "not a JSON object"),),
            ),
        ),
    ),
    Case(
        "Mixed line ends: LF, CRLF, CR, and none at the end",
        "Loaded: each of them ends a line. Empty lines are counted and left out.",
        RAW,
        (
            File(
                "ratings/mixed_ends.csv",
                f"{RATINGS}m1,p1,5,{T}\r\nm2,p1,5,{T}\rm3,p1,5,{T}\n\r\nm4,p1,5,{T}".encode(),
                (("m1", "p1", "5"), ("m2", "p1", "5"), ("m3", "p1", "5"), ("m4", "p1", "5")),
                lines="header 1 blank 1",
            ),
        ),
    ),
    Case(
        "Rows of delimiters alone, as a spreadsheet saves empty rows",
        "Counted as blank lines and left out.",
        RAW,
        (
            File(
                "products/empty_rows.csv",
                f'{PRODUCTS},,,\ner1,a,toys,5\n,,,\n,"",,\ner2,b,toys,5\n,,,\n'.encode(),
                (("er1", "a", "5"), ("er2", "b", "5")),
                lines="header 1 blank 4",
            ),
        ),
    ),
    Case(
        "A binary file",
        "The file fails: `no-header`.",
        LOADS,
        (
            File(
                "ratings/binary.csv",
                b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)),
                error="no-header",
            ),
        ),
    ),
    Case(
        "Parquet, gzip, a zip archive or an Excel workbook, under a name of CSV",
        "The file fails: `wrong-format`, with its real format and what to declare.",
        LOADS,
        (
            File("ratings/parquet.csv", b"PAR1\x15\x04\x15", error="wrong-format Parquet"),
            File("ratings/excel.csv", b"PK\x03\x04\x14\x00\x06", error="wrong-format Excel"),
            File(
                "ratings/gzip.csv",
                gzip.compress(f"{RATINGS}gz1,p1,5,{T}\n".encode(), mtime=0),
                error="wrong-format gzip",
            ),
        ),
    ),
    Case(
        "Most lines broken",
        "The file fails: `unreadable-file`, with the first of them.",
        LOADS,
        (
            File(
                "ratings/mostly_broken.csv",
                f"{RATINGS}x5,p1,5,{T}\n".encode() + b"x6;p1;5\n" * 20,
                error="unreadable-file 20 of 21 records cannot be read",
            ),
        ),
    ),
    Case(
        "An empty file",
        "The file fails: `empty-file`.",
        LOADS,
        (
            File("ratings/empty.csv", b"", error="empty-file"),
            File("ratings/nothing.csv.gz", gzip.compress(b""), error="empty-file"),
            File("events/empty.jsonl", b"", error="empty-file"),
        ),
    ),
    Case(
        "Only empty lines",
        "The file fails: `missing-column`, because there is no header.",
        LOADS,
        (File("ratings/blank_lines.csv", b"\n\r\n\n", error="missing-column"),),
    ),
    Case(
        "A row of delimiters alone, as a spreadsheet saves empty rows",
        "A blank line: it is counted, and is not a record.",
        "`raw._loads`, blank",
        (
            File(
                "ratings/rows.csv",
                f'{RATINGS},,,\nrow1,p1,5,{T}\n,,,\n"",,,\n'.encode(),
                (("row1", "p1", "5"),),
                lines="header 1 blank 3",
            ),
        ),
    ),
    Case(
        "A first line `sep=;`",
        "It names the delimiter, and counts as header.",
        RAW,
        (
            File(
                "ratings/sep.csv",
                f"sep=;\n{RATINGS}sep1,p1,5,{T}\n".replace(",", ";").encode(),
                (("sep1", "p1", "5"),),
                lines="header 2",
            ),
        ),
    ),
    Case(
        "A first line `sep=;`, and another delimiter in the shop file",
        "The file fails: `wrong-delimiter`.",
        LOADS,
        (
            File(
                "transactions/sep.csv",
                b"sep=;\norder;line\n1;1\n",
                error="wrong-delimiter names another delimiter",
            ),
        ),
    ),
    Case(
        "A column without a name",
        "It is called by its place, `unnamed_1`: map it or ignore it. If it is neither, the file fails: "
        "`unknown-column`.",
        LOADS,
        (
            File(
                "ratings/unnamed.csv",
                f",{RATINGS}0,n1,p1,5,{T}\n".encode(),
                error="unknown-column unnamed_1",
            ),
        ),
    ),
    Case(
        "A header only",
        "Loaded, with no rows.",
        "`raw._loads`, records 0",
        (File("ratings/header_only.csv", RATINGS.encode()),),
    ),
    Case(
        "The same column name twice",
        "The file fails: `duplicate-column`.",
        LOADS,
        (
            File(
                "ratings/twice.csv",
                f"user,item,stars,time,user\nx7,p1,5,{T},y\n".encode(),
                error='duplicate-column "user" 2 times',
            ),
        ),
    ),
    Case(
        "Columns in another order",
        "Loaded by their names.",
        RAW,
        (
            File(
                "ratings/reordered.csv",
                f"time,stars,item,user\n{T},2,p1,o1\n".encode(),
                (("o1", "p1", "2"),),
            ),
        ),
    ),
    Case(
        "A gzip file that is cut off, or a file that is not gzip",
        "The file fails: `broken-gzip`. Nothing of it is loaded.",
        LOADS,
        (
            File(
                "ratings/torn.csv.gz",
                gzip.compress(f"{RATINGS}x8,p1,5,{T}\n".encode())[:-9],
                error="broken-gzip",
            ),
            File("ratings/none.csv.gz", f"{RATINGS}x9,p1,5,{T}\n".encode(), error="broken-gzip"),
        ),
    ),
    Case(
        "1e308 and -1e308 as a price, a rating, a quantity or a time",
        "Loaded as text, then quarantined as `invalid_`: too large for any number here.",
        "`quality.quarantine_<entity>`",
        (
            File(
                "ratings/1e308.csv",
                f"{RATINGS}h1,p1,1e308,{T}\nh2,p1,-1e308,{T}\nh3,p1,3,{T}\n".encode(),
                (("h1", "p1", "1e308"), ("h2", "p1", "-1e308"), ("h3", "p1", "3")),
                quarantined=((1, "invalid_rating"), (2, "invalid_rating")),
            ),
            File(
                "products/1e308.csv",
                f"{PRODUCTS}h1,a,toys,1e308\nh2,b,toys,-1e308\nh3,c,toys,7\n".encode(),
                (("h1", "a", "1e308"), ("h2", "b", "-1e308"), ("h3", "c", "7")),
                quarantined=((1, "invalid_price"), (2, "invalid_price")),
            ),
            File(
                "transactions/1e308.csv",
                f"{ORDERS}h1,1,u1,p1,1e308,5,{T}\nh2,1,u1,p1,1,-1e308,{T}\nh3,1,u1,p1,1,5,{T}\n".encode(),
                (("h1", "p1", "1e308", "5"), ("h2", "p1", "1", "-1e308"), ("h3", "p1", "1", "5")),
                quarantined=((1, "invalid_quantity"), (2, "invalid_unit_price")),
            ),
            File(
                "events/1e308.jsonl",
                b'{"id": "h1", "type": "view", "user": "u1", "item": "p1", "at": 1e308}\n'
                b'{"id": "h2", "type": "view", "user": "u1", "item": "p1", "at": -1e308}\n'
                b'{"id": "h3", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n',
                (
                    ("h1", "u1", "p1", "1e308"),
                    ("h2", "u1", "p1", "-1e308"),
                    ("h3", "u1", "p1", "1767398400"),
                ),
                quarantined=((1, "invalid_occurred_at"), (2, "invalid_occurred_at")),
            ),
        ),
    ),
    Case(
        "NaN and Infinity as a price, a rating or a quantity",
        "Loaded as text, then quarantined as `invalid_`. No sum or feature has them.",
        "`quality.quarantine_<entity>`",
        (
            File(
                "ratings/nan.csv",
                f"{RATINGS}i1,p1,NaN,{T}\ni2,p1,Infinity,{T}\ni3,p1,-inf,{T}\ni4,p1,3,{T}\n".encode(),
                (
                    ("i1", "p1", "NaN"),
                    ("i2", "p1", "Infinity"),
                    ("i3", "p1", "-inf"),
                    ("i4", "p1", "3"),
                ),
                quarantined=tuple((n, "invalid_rating") for n in (1, 2, 3)),
            ),
            File(
                "products/nan.csv",
                f"{PRODUCTS}i1,a,toys,nan\ni2,b,toys,Infinity\ni3,c,toys,7\n".encode(),
                (("i1", "a", "nan"), ("i2", "b", "Infinity"), ("i3", "c", "7")),
                quarantined=((1, "invalid_price"), (2, "invalid_price")),
            ),
            File(
                "transactions/nan.csv",
                f"{ORDERS}i1,1,u1,p1,NaN,5,{T}\ni2,1,u1,p1,1,Infinity,{T}\ni3,1,u1,p1,2,5,{T}\n".encode(),
                (("i1", "p1", "NaN", "5"), ("i2", "p1", "1", "Infinity"), ("i3", "p1", "2", "5")),
                quarantined=((1, "invalid_quantity"), (2, "invalid_unit_price")),
            ),
        ),
    ),
    Case(
        "Numbers that only a program writes (`1_000`, `0x1F`), and a rating a hair above the scale",
        "Loaded as text, then quarantined as `invalid_` or `out_of_range_`: nothing is rounded into a range.",
        "`quality.quarantine_<entity>`",
        (
            File(
                "ratings/hair.csv",
                f"{RATINGS}n1,p1,1_000,{T}\nn2,p1,0x1F,{T}\nn3,p1,200000.00004,{T}\n"
                f"n4,p1,200000,{T}\n".encode(),
                (
                    ("n1", "p1", "1_000"),
                    ("n2", "p1", "0x1F"),
                    ("n3", "p1", "200000.00004"),
                    ("n4", "p1", "200000"),
                ),
                quarantined=(
                    (1, "invalid_rating"),
                    (2, "invalid_rating"),
                    (3, "out_of_range_rating"),
                ),
            ),
        ),
    ),
    Case(
        "A time with the name of a zone, among times without an offset",
        "Its row is quarantined as `invalid_`. The others are read as if it were not there.",
        "`quality.quarantine_<entity>`",
        (
            File(
                "ratings/zone.csv",
                f"{RATINGS}z1,p1,1,2026-01-01 00:00:00\nz2,p1,2,2026-01-01 00:00:00 Asia/Tokyo\n"
                "z3,p1,3,2026-01-01 00:00:00\n".encode(),
                (("z1", "p1", "1"), ("z2", "p1", "2"), ("z3", "p1", "3")),
                quarantined=((2, "invalid_rated_at"),),
            ),
        ),
    ),
    Case(
        "Words for no value (`NULL`, `\\N`, `nan`) as an id",
        "Loaded without a value, then quarantined as `missing_`: they are not users of that name.",
        "`quality.quarantine_<entity>`",
        (
            File(
                "ratings/null.csv",
                f"{RATINGS}NULL,p1,1,{T}\n\\N,p1,2,{T}\nnan,p1,3,{T}\nNULLE,p1,4,{T}\n".encode(),
                ((None, "p1", "1"), (None, "p1", "2"), (None, "p1", "3"), ("NULLE", "p1", "4")),
                quarantined=tuple((number, "missing_user_id") for number in (1, 2, 3)),
            ),
        ),
    ),
    Case(
        "The largest price, quantity and rating that the rules allow",
        "Accepted, and so is their product.",
        "`marts.fct_transactions`",
        (
            File(
                "ratings/largest.csv",
                f"{RATINGS}l1,p1,200000,{T}\n".encode(),
                (("l1", "p1", "200000"),),
            ),
            File(
                "products/largest.csv",
                f"{PRODUCTS}l1,a,toys,100000000\n".encode(),
                (("l1", "a", "100000000"),),
            ),
            File(
                "transactions/largest.csv",
                f"{ORDERS}l1,1,u1,p1,100000,100000000,{T}\nl2,1,u2,l1,100000,,{T}\n".encode(),
                (("l1", "p1", "100000", "100000000"), ("l2", "l1", "100000", None)),
            ),
        ),
    ),
    Case(
        "NaN and Infinity as bare words in JSON",
        "Their lines are rejected: they are not JSON.",
        REJECTS,
        (
            File(
                "events/nan.jsonl",
                b'{"id": "i1", "type": "view", "user": "u1", "item": "p1", "at": NaN}\n'
                b'{"id": "i2", "type": "view", "user": "u1", "item": "p1", "at": -Infinity}\n'
                b'{"id": "i3", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n',
                (("i3", "u1", "p1", "1767398400"),),
                rejects=((1, "NaN is not JSON"), (2, "-Infinity is not JSON")),
            ),
        ),
    ),
    Case(
        "A key twice in one JSON object",
        "Its line (or its element of a JSON list, or its item of a page) is rejected: which value is "
        "meant would be a guess.",
        REJECTS,
        (
            File(
                "events/twice.jsonl",
                b'{"id": "k1", "type": "view", "user": "u1", "item": "p1", "at": 1767398400, "user": "u2"}\n'
                b'{"id": "k2", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n',
                (("k2", "u1", "p1", "1767398400"),),
                rejects=((1, 'the key "user" occurs twice'),),
            ),
        ),
    ),
    Case(
        "A JSON list in a source of JSON lines",
        "The file fails: `wrong-format`, with the format to declare.",
        LOADS,
        (
            File(
                "events/list.jsonl",
                b'[{"id": "l1", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}]\n',
                error="wrong-format set format: json",
            ),
        ),
    ),
    Case(
        "Ids of 19 digits and more, or with leading zeros",
        "Loaded and kept digit by digit: ids are text everywhere.",
        "`raw.ratings`, `marts.fct_ratings`",
        (
            File(
                "ratings/digits.csv",
                f"{RATINGS}9223372036854775807,9223372036854775806,5,{T}\n"
                f"9223372036854775808,12345678901234567890123,4,{T}\n007,7,3,{T}\n".encode(),
                (
                    ("9223372036854775807", "9223372036854775806", "5"),
                    ("9223372036854775808", "12345678901234567890123", "4"),
                    ("007", "7", "3"),
                ),
            ),
            File(
                "events/digits.jsonl",
                b'{"id": 9223372036854775807, "type": "view", "user": 9007199254740993, '
                b'"item": 1000000000000000001, "at": 1767398400}\n',
                (
                    (
                        "9223372036854775807",
                        "9007199254740993",
                        "1000000000000000001",
                        "1767398400",
                    ),
                ),
            ),
        ),
    ),
    Case(
        "Ids with spaces and emoji",
        "Loaded and kept character by character, with spaces at the ends.",
        "`raw.ratings`, `marts.fct_ratings`",
        (
            File(
                "ratings/emoji.csv",
                f"{RATINGS}Ann Lee,👩‍👩‍👧 toy,5,{T}\n ann , p 1 ,4,{T}\né🙂,日本,3,{T}\n".encode(),
                (("Ann Lee", "👩‍👩‍👧 toy", "5"), (" ann ", " p 1 ", "4"), ("é🙂", "日本", "3")),
            ),
            File(
                "events/emoji.jsonl",
                '{"id": "e 🙂", "type": "view", "user": "Ann Lee", "item": "\\ud83d\\ude00", '
                '"at": 1767398400}\n'.encode(),
                (("e 🙂", "Ann Lee", "😀", "1767398400"),),
            ),
        ),
    ),
)


M = 1 << 20
EVENT = '{"id": "%s", "type": "view", "user": "u1", "item": "p1", "at": 1767398400}\n'
FIRST, LAST = f"first,p1,5,{T}\n", f"last,p1,5,{T}\n"
BOTH = (("first", "p1", "5"), ("last", "p1", "5"))
EVENTS_TOO = (("first", "u1", "p1", "1767398400"), ("last", "u1", "p1", "1767398400"))


@dataclass(frozen=True)
class Large(File):
    """A file of hundreds of MiB: `content`, then 1 MiB of `filler` many times, then `end`."""

    filler: bytes = b"x"
    times: int = 100
    end: bytes = b""


TOO_LONG = "longer than 1,048,576 bytes"
LARGE = (
    Case(
        "A field of 100 MB",
        f"Its line is rejected as `{TOO_LONG}`, the others are loaded. It costs less memory than its size, because it is never in memory as a whole.",
        REJECTS,
        (
            Large(
                "ratings/plain.csv",
                f"{RATINGS}{FIRST}long,".encode(),
                BOTH,
                rejects=((3, TOO_LONG),),
                end=f",5,{T}\n{LAST}".encode(),
            ),
            Large(
                "ratings/quoted.csv",
                f'{RATINGS}{FIRST}long,"'.encode(),
                BOTH,
                rejects=((3, TOO_LONG),),
                end=f'",5,{T}\n{LAST}'.encode(),
            ),
            Large(
                "events/long.jsonl",
                (EVENT % "first" + '{"id": "').encode(),
                EVENTS_TOO,
                rejects=((2, TOO_LONG),),
                end=b'"}\n' + (EVENT % "last").encode(),
            ),
        ),
    ),
    Case(
        "A header of 100 MB",
        "The file fails: `no-header`.",
        LOADS,
        (Large("ratings/long_header.csv", b"", error="no-header"),),
    ),
    Case(
        "100 MB of empty lines before the header",
        "Loaded. They are counted and left out.",
        RAW,
        (
            Large(
                "ratings/late_header.csv",
                b"",
                BOTH,
                lines=f"header 1 blank {100 * M}",
                filler=b"\n",
                end=f"{RATINGS}{FIRST}{LAST}".encode(),
            ),
        ),
    ),
    Case(
        "100 MB of JSON in one line",
        "The file fails: `unreadable-file`, because a source of JSON lines has one object a line.",
        LOADS,
        (
            Large(
                "events/array.jsonl",
                b'{"items": [',
                error=f"unreadable-file not a JSON object: {TOO_LONG}",
                filler=(EVENT % "one")[:-1].encode() + b",",
                end=b"{}]}",
            ),
        ),
    ),
    Case(
        "A gzip bomb: a small file that expands a thousand times",
        "The file fails: `gzip-bomb`, as soon as it gives more than 256 MiB and 200 times its own "
        "size. Its content is not kept in memory.",
        LOADS,
        (
            Large(
                "ratings/zeros.csv.gz",
                f"{RATINGS}{FIRST}".encode(),
                error="gzip-bomb expands to more than 268,435,456 bytes",
                filler=b"0",
                times=1000,
            ),
            Large(
                "events/brackets.jsonl.gz",
                (EVENT % "first").encode(),
                error="gzip-bomb expands to more than 268,435,456 bytes",
                filler=b"[",
                times=1000,
            ),
        ),
    ),
    Case(
        "A gzip bomb of broken lines",
        "The file fails: `unreadable-file`, at the 50,000th broken line if most lines so far are broken.",
        LOADS,
        (
            Large(
                "ratings/broken_lines.csv.gz",
                f"{RATINGS}{FIRST}".encode(),
                error="unreadable-file 50,001 of 50,002 records cannot be read",
                filler=b"0\n",
                times=1000,
            ),
        ),
    ),
)
