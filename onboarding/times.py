"""Which time format the values of a column are written in, decided by what parses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import product

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from recomart.casts import TIME_FORMATS, time

_DATES = (
    "%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y.%m.%d",
    "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%d/%b/%Y",
)  # fmt: skip
_CLOCKS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    "T%H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M",
    ":%H:%M:%S",
)
PATTERNS = tuple(date + clock for date, clock in product(_DATES, _CLOCKS))
MIN_SHARE, MIN_MIXED = 0.8, 0.3
MOST_VALUES = 2_000
_EARLY, _LATE = datetime(1990, 1, 1), datetime(2040, 1, 1)
"""Whole numbers pass for times only if they lie between these."""
_FIRST, _LAST = datetime(1900, 1, 1), datetime(2100, 1, 1)
"""Other times pass only if they lie between these: the year 10 is a year of two digits."""


@dataclass(frozen=True)
class TimeFormat:
    """A format in which `share` of a column's values parse, from `first` to `last`.

    `rival` is the other order of day and month, when the values fit both.
    """

    format: str
    share: float
    first: datetime
    last: datetime
    rival: str | None = None

    @property
    def words(self) -> str:
        """As in: 99.8% of it parses as epoch seconds; 2017-01-01 to 2019-12-31."""
        name = {"iso": "ISO 8601"}.get(self.format, self.format.replace("_", " "))
        return f"{percent(self.share)} of it parses as {name}; {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"


@cache
def calculator() -> duckdb.DuckDBPyConnection:
    """A database in memory that only computes: one a process, as opening it costs 40 ms a column."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    return connection


def percent(share: float) -> str:
    """A share for people, never rounded up to all nor down to none."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"


def time_format(values: pa.ChunkedArray) -> TimeFormat | None:
    """The format that most values parse in, when most do."""
    found = _measure(values, TIME_FORMATS)
    best = max(found, key=lambda f: f.share, default=None)
    if (best is None or best.share < MIN_SHARE) and _looks_like_dates(values):
        found = _measure(values, PATTERNS)
        best = max(found, key=lambda f: f.share, default=None)
    if best is None or best.share < MIN_SHARE:
        return None
    other = swapped(best.format)
    rival = next((f for f in found if f.format == other and f.share == best.share), None)
    return TimeFormat(
        best.format, best.share, best.first, best.last, rival.format if rival else None
    )


@dataclass(frozen=True)
class Mixture:
    """Times in more than one format: the commonest, and that of most of the others."""

    main: TimeFormat
    other: TimeFormat | None
    strange: tuple[str, ...]
    """Values that are not in the main format."""

    @property
    def words(self) -> str:
        """What a person must decide."""
        shown = ", ".join(self.strange[:3])
        rest = f"the others look like {self.other.format}" if self.other else "the others do not"
        return (
            f"only {percent(self.main.share)} of it parses as {self.main.format}; {rest} ({shown}), "
            "and a source has one time format: those rows go to quarantine"
        )


def mixture(values: pa.ChunkedArray) -> Mixture | None:
    """The formats of a column whose values are times, but not in one format; None without times."""
    main = max(_measure(values, TIME_FORMATS + PATTERNS), key=lambda f: f.share, default=None)
    if main is None or main.share < MIN_MIXED:
        return None
    rest = _not_in(values, main.format)
    others = _measure(rest, TIME_FORMATS + PATTERNS) if len(rest) else []
    other = max(others, key=lambda f: f.share, default=None)
    return Mixture(main, other, tuple(dict.fromkeys(rest.slice(0, MOST_VALUES).to_pylist())))


def _not_in(values: pa.ChunkedArray, format: str) -> pa.ChunkedArray:
    """The filled values that are not times of a format."""
    connection = calculator()
    connection.register("received", pa.table({"value": values}))
    read = time("trim(value)", format)
    return (
        connection.execute(
            f"select value from (select value, {read} as read from received where value <> '') "
            f"where not coalesce({_plausible('read', format)}, false)"
        )
        .to_arrow_table()
        .column(0)
    )


def _looks_like_dates(values: pa.ChunkedArray) -> bool:
    """Whether it is worth trying many patterns: most values have numbers in groups, or eight digits."""
    part = "[0-9A-Za-z]{1,9}"
    shape = rf"^\s*([0-9]{{8}}|{part}[./ -]+{part}[./, -]+{part})([T ,:]+[0-9: ]+[AaPp]?[Mm]?)?\s*$"
    fits = pc.mean(
        pc.cast(pc.match_substring_regex(values.slice(0, MOST_VALUES), shape), pa.int8())
    )
    return (fits.as_py() or 0.0) >= MIN_SHARE


def swapped(format: str) -> str | None:
    """The same pattern with day and month exchanged; None when it does not name both by number."""
    if format[:2] not in ("%d", "%m") or format[3:5] not in ("%d", "%m"):
        return None
    return f"{format[3:5]}{format[2]}{format[:2]}{format[5:]}"


def _plausible(read: str, format: str) -> str:
    """SQL of whether a value, read in this format, is a time and not another number."""
    between = "{} between timestamp '{}' and timestamp '{}'".format
    if format.startswith(("epoch", "%Y%m%d")):
        return between(read, _EARLY, _LATE)
    return (
        f"({between(read, _FIRST, _LAST)}"
        f" and (regexp_matches(value, '\\D') or {between(read, _EARLY, _LATE)}))"
    )


def _measure(
    values: pa.ChunkedArray, formats: tuple[str, ...], limit: int | None = MOST_VALUES
) -> list[TimeFormat]:
    """What parses, in a time that can be right; formats in which nothing does are left out."""
    connection = calculator()
    connection.register("received", pa.table({"value": values}))
    sampled = f"using sample reservoir({limit} rows) repeatable (7)" if limit else ""
    columns = ",\n".join(
        f"case when {_plausible(f'p{i}', f)} then p{i} end as t{i}" for i, f in enumerate(formats)
    )
    places = ", ".join(f"{time('value', f)} as p{i}" for i, f in enumerate(formats))
    totals = ", ".join(f"count(t{i}), min(t{i}), max(t{i})" for i in range(len(formats)))
    row = connection.execute(
        f"with filled as (select trim(value) as value from received where value <> '' {sampled}),\n"
        f"read as (select value, {places} from filled),\nsound as (select {columns} from read)\n"
        f"select count(*), {totals} from sound"
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    return [
        TimeFormat(format, row[1 + 3 * i] / row[0], row[2 + 3 * i], row[3 + 3 * i])
        for i, format in enumerate(formats)
        if row[1 + 3 * i] and row[2 + 3 * i]
    ]
