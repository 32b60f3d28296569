"""The layout of delimited text, guessed from its bytes: delimiter, quote, header, what is around it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ingestion.readers import csv_records
from ingestion.readers.csv_header import HeaderNames
from ingestion.readers.csv_records import Dialect
from onboarding import sample
from onboarding.layout import FEW_LINES, Layout
from onboarding.left_out import totals
from onboarding.names import concepts_of
from onboarding.sample import Raw, Rows

DELIMITERS = (",", ";", "\t", "|", "::", "^", "~")
BACKSLASH = "\\"
MOST_TITLES = 20
"""The most lines above a table that are looked for."""
STEADY = 0.9
"""A delimiter splits at least this share of the lines into the same number of fields."""


def csv_table(
    raw: Raw, encoding: str, chunks: list[bytes], remarks: tuple[str, ...]
) -> tuple[Layout, Rows]:
    """The table of a CSV file; `chunks` are its sampled text in UTF-8."""
    above = lines_above(chunks[0])
    chunks = [above.rest, *chunks[1:]]
    delimiter = above.delimiter or delimiter_of(chunks[0])
    quote, escape = _quoting(chunks, delimiter)
    first = records_of(chunks[0], delimiter, quote, escape)
    header = is_header(first)
    trailing = header and _has_trailing_field(first)
    names = list(HeaderNames(tuple(first[0]) if first else (), trailing=trailing).columns)
    if not header:
        names = [f"column_{i}" for i in range(1, len(names) + 1)]
    dialect = Dialect(delimiter.encode(), quote.encode(), len(names), escape.encode())
    rows = sample.csv_rows(chunks, names, dialect, header=header, whole=raw.whole)
    if rejected := rows.counts.rejected:
        reason = Counter(reject.reason for reject in rows.counts.rejects).most_common(1)[0][0]
        what = "record does" if rejected == 1 else "records do"
        remarks += (f"{rejected:,} {what} not parse ({reason}), and will be rejected",)
    layout = Layout(
        "csv", encoding, delimiter, quote, header, tuple(rows.table.column_names), remarks,
        escape=escape, skip_lines=above.skipped, totals=totals(rows.table),
    )  # fmt: skip
    return layout, rows


@dataclass(frozen=True)
class Above:
    """The lines above the first record of a table.

    Args:
        skipped: how many lines a source must skip: titles, and what is between them.
        rest: the text from the table on.
        delimiter: the one that a first line `sep=;` names, or that splits the table.
    """

    skipped: int
    rest: bytes
    delimiter: str | None = None


_SEPARATOR = re.compile(rb"sep=(.)[\r\n]+", re.IGNORECASE)


def lines_above(text: bytes) -> Above:
    """The lines before the table begins: those with fewer fields than nearly all that follow."""
    if declared := _SEPARATOR.match(text):
        return Above(0, text[declared.end() :], declared[1].decode("latin-1"))
    delimiter = delimiter_of(text)
    records = records_of(text, delimiter, '"')
    widths = [len(record) for record in records]
    most = Counter(widths[1:] or widths).most_common(1)
    usual = most[0][0] if most else 0
    # a spreadsheet fills the line of a title with delimiters
    filled = [sum(bool(field.strip()) for field in record) for record in records]
    titles = next((i for i, n in enumerate(filled) if 2 * n > usual), 0)
    padded = usual in widths[:titles] and not is_header(records[titles:])
    if usual < 2 or not 0 < titles <= MOST_TITLES or padded:
        return Above(0, text)
    at = skipped = 0
    while titles:
        line = text[at : csv_records.line_end(text, at, final=True) or len(text)]
        at, skipped = at + len(line), skipped + 1
        titles -= bool(line.strip(b"\r\n" + delimiter.encode()))
    return Above(skipped, text[at:], delimiter)


def _has_trailing_field(records: list[list[str]]) -> bool:
    """Whether records end with a delimiter which the header does not have."""
    width = len(records[0])
    longer = [record for record in records[1:] if len(record) == width + 1 and not record[-1]]
    return bool(longer) and len(longer) >= STEADY * (len(records) - 1)


def delimiter_of(text: bytes) -> str:
    """The delimiter that splits the lines most steadily; of several, the one that splits most.

    DuckDB's `sniff_csv` (1.5.6) was compared on 73 files: the tests' shops, MovieLens, Taobao, and
    CSVs with faults. It finds the same delimiter in 66 of them. It does not know `::`, `^` and `~`
    (6 files, which it reads as one column), and fails on mixed line ends (1 file). Of headers, it
    gets one right that we miss (an index column without a name) and one wrong (a table of texts
    without a header). So it would need this code as a fallback, and takes two to four times as long.
    """
    best, most = ",", (0.0, 0)
    for candidate in DELIMITERS:
        widths = Counter(map(len, records_of(text, candidate, '"')))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        steadiness = count / widths.total()
        score = (1.0 if steadiness >= STEADY else steadiness, width)
        # a comma within a field can be as steady as a delimiter: "4,5" in a file of semicolons
        if width > 1 and score > most:
            best, most = candidate, score
    return best


def records_of(text: bytes, delimiter: str, quote: str, escape: str = "") -> list[list[str]]:
    """The first records as fields; a line without a value, or that does not parse, is left out."""
    dialect = Dialect(delimiter.encode(), quote.encode(), 0, escape.encode())
    records: list[list[str]] = []
    at = 0
    while at < len(text) and len(records) < FEW_LINES:
        try:
            fields, end = csv_records.record_at(text, at, dialect, final=True)
        except csv_records.Broken:
            end = csv_records.line_end(text, at, final=True) or len(text)
            fields = []
        if any(fields):
            records.append([field.decode("utf-8", "replace") for field in fields])
        at = max(end, at + 1)
    return records


def _quoting(chunks: list[bytes], delimiter: str) -> tuple[str, str]:
    """The quote and the escape with which the fewest records are broken: `"` and none, if others
    are no better."""
    if not any(b'"' in chunk or BACKSLASH.encode() in chunk for chunk in chunks):
        return '"', ""
    broken = {}
    for quote, escape in (('"', ""), ('"', BACKSLASH), ("", "")):
        widths = Counter(map(len, records_of(chunks[0], delimiter, quote, escape)))
        width = widths.most_common(1)[0][0] if widths else 1
        dialect = Dialect(delimiter.encode(), quote.encode(), width, escape.encode())
        rows = sample.csv_rows(chunks, dialect.names, dialect, header=False, whole=False)
        broken[quote, escape] = rows.counts.rejected
    return min(broken, key=lambda one: broken[one])


_NUMBER_OR_TIME = re.compile(r"[-+]?[\d.,:/ T-]*\d[\d.,:/ TZ+-]*")


def is_header(records: list[list[str]]) -> bool:
    """Whether the first record names the columns: it has no number where the others have some."""
    if not records:
        return True
    first, others = [field.strip() for field in records[0]], records[1:]
    # an export's index has no name, and neither has what follows a delimiter at the end
    inner = first[1:-1] if len(first) > 2 else first
    if any(not field for field in inner) or any(map(_NUMBER_OR_TIME.fullmatch, first)):
        return False
    if len(set(first)) < len(first):
        return bool(any(concepts_of(field) for field in first))
    known = sum(bool(concepts_of(field)) for field in first)
    if not others:
        return True
    plain = all(
        row[i].strip() == "" or not _NUMBER_OR_TIME.fullmatch(row[i].strip())
        for row in others
        for i in range(min(len(row), len(first)))
    )
    if plain:
        return known * 2 >= len(first) and not any(
            row[: len(first)] == records[0] for row in others
        )
    return True
