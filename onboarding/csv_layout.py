"""The layout of delimited text, guessed from its bytes: delimiter, quote, header, what is around it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.readers import csv_records
from ingestion.readers.csv_records import Dialect
from onboarding import sample
from onboarding.layout import FEW_LINES, Layout
from onboarding.names import concepts_of
from onboarding.sample import Raw, Rows

DELIMITERS = (",", ";", "\t", "|", "::", "^", "~")
MOST_TITLES, MOST_TOTALS = 20, 20
"""The most lines above a table, and totals in it, that are looked for."""
STEADY = 0.9
"""A delimiter splits at least this share of the lines into the same number of fields."""


def csv_table(
    raw: Raw, encoding: str, chunks: list[bytes], remarks: tuple[str, ...]
) -> tuple[Layout, Rows]:
    """The table of a CSV file; `chunks` are its sampled text in UTF-8."""
    above = lines_above(chunks[0])
    chunks = [above.rest, *chunks[1:]]
    delimiter = above.delimiter or delimiter_of(chunks[0])
    quote = _quote(chunks, delimiter)
    first = _records(chunks[0], delimiter, quote)
    names = [field.strip() for field in first[0]] if first else []
    header = is_header(first)
    if not header:
        names = [f"column_{i}" for i in range(1, len(names) + 1)]
    elif names:
        names = first[0]
    if header and (extra := _extra_field(first)):
        remarks += (extra,)
        names = [*names, ""]
    dialect = Dialect(delimiter.encode(), quote.encode(), len(names))
    rows = sample.csv_rows(chunks, names, dialect, header=header, whole=raw.whole)
    if rejected := rows.counts.rejected:
        reason = Counter(reject.reason for reject in rows.counts.rejects).most_common(1)[0][0]
        what = "record does" if rejected == 1 else "records do"
        remarks += (f"{rejected:,} {what} not parse ({reason}), and will be rejected",)
    remarks += (*above.remarks, *totals(rows.table))
    layout = Layout(
        "csv", encoding, delimiter, quote, header, tuple(rows.table.column_names), remarks
    )
    return layout, rows


@dataclass(frozen=True)
class Above:
    """The lines above the first record of a table: a spreadsheet's `sep=;`, titles."""

    count: int
    rest: bytes
    delimiter: str | None = None
    shown: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know."""
        if not self.count:
            return ()
        lines = "line is" if self.count == 1 else f"{self.count} lines are"
        return (f"the first {lines} above the table ({self.shown}): delete them",)


_SEPARATOR = re.compile(rb"sep=(.)[\r\n]+", re.IGNORECASE)


def lines_above(text: bytes) -> Above:
    """The lines before the table begins: those with fewer fields than nearly all that follow."""
    if declared := _SEPARATOR.match(text):
        rest, shown = text[declared.end() :], declared[0].strip().decode("utf-8", "replace")
        return Above(1, rest, declared[1].decode("latin-1"), shown)
    delimiter = delimiter_of(text)
    records = _records(text, delimiter, '"')
    widths = [len(record) for record in records]
    most = Counter(widths[1:] or widths).most_common(1)
    usual = most[0][0] if most else 0
    full = (any(record) and len(record) >= usual for record in records)
    titles = next((i for i, is_full in enumerate(full) if is_full), 0)
    filled = [sum(bool(field.strip()) for field in record) for record in records[:titles]]
    if usual < 2 or not 0 < titles <= MOST_TITLES or any(2 * n > usual + 1 for n in filled):
        return Above(0, text)
    shown = records[0][0].strip()[:60]
    at = count = 0
    while titles:
        line = text[at : csv_records.line_end(text, at, final=True) or len(text)]
        at, count, titles = at + len(line), count + 1, titles - bool(line.strip(b"\r\n"))
    blank = re.match(rb"[\r\n]*", text[at:])
    at += blank.end() if blank else 0
    return Above(count, text[at:], delimiter, shown)


def _extra_field(records: list[list[str]]) -> str | None:
    """The remark on records that end with a delimiter which the header does not have."""
    width = len(records[0])
    longer = [record for record in records[1:] if len(record) == width + 1 and not record[-1]]
    if len(records) < 2 or len(longer) < STEADY * (len(records) - 1):
        return None
    return (
        "each record ends with a delimiter, which the header does not: add it to the header too, "
        "or remove it from the records"
    )


_TOTAL = re.compile(
    r"\W*(grand\s+|sub)?(total|totals|totaal|totale|sum|summe|somme|suma|gesamt|gesamtsumme)\W*",
    re.IGNORECASE,
)


def totals(table: pa.Table) -> tuple[str, ...]:
    """The remark on records that sum up the others: a first or second field called Total."""
    found = 0
    for name in table.column_names[:2]:
        values = pc.value_counts(table.column(name)).to_pylist()
        named = sum(v["counts"] for v in values if _TOTAL.fullmatch(v["values"] or ""))
        found = max(found, named)
    if not 0 < found <= MOST_TOTALS:
        return ()
    what = "record looks" if found == 1 else "records look"
    return (f"{found} {what} like a total of the others: delete it, for it counts as a record",)


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
        widths = Counter(map(len, _records(text, candidate, '"')))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        steadiness = count / widths.total()
        score = (1.0 if steadiness >= STEADY else steadiness, width)
        # a comma within a field can be as steady as a delimiter: "4,5" in a file of semicolons
        if width > 1 and score > most:
            best, most = candidate, score
    return best


def _records(text: bytes, delimiter: str, quote: str) -> list[list[str]]:
    """The first records as fields; a line that does not parse is skipped."""
    dialect = Dialect(delimiter.encode(), quote.encode(), 0)
    records: list[list[str]] = []
    at = 0
    while at < len(text) and len(records) < FEW_LINES:
        try:
            fields, end = csv_records.record_at(text, at, dialect, final=True)
        except csv_records.Broken:
            end = csv_records.line_end(text, at, final=True) or len(text)
            fields = []
        if fields not in ([], [b""]):
            records.append([field.decode("utf-8", "replace") for field in fields])
        at = max(end, at + 1)
    return records


def _quote(chunks: list[bytes], delimiter: str) -> str:
    """`"` unless reading without it breaks fewer records."""
    if not any(b'"' in chunk for chunk in chunks):
        return '"'
    broken = {}
    for quote in ('"', ""):
        widths = Counter(map(len, _records(chunks[0], delimiter, quote)))
        width = widths.most_common(1)[0][0] if widths else 1
        dialect = Dialect(delimiter.encode(), quote.encode(), width)
        rows = sample.csv_rows(chunks, dialect.names, dialect, header=False, whole=False)
        broken[quote] = rows.counts.rejected
    return '"' if broken['"'] <= broken[""] else ""


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
