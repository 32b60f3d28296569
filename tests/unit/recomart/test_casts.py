"""Texts as values: each text alone says what it is, and only valid forms are anything."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from recomart import casts
from recomart.sql import literal

VECTOR = 2_048
"""Rows that DuckDB casts in one go."""
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
CASTS: dict[str, Callable[[str], str]] = {
    **{f: (lambda text, f=f: casts.time(text, f)) for f in casts.TIME_FORMATS},
    "%d.%m.%Y %H:%M": lambda text: casts.time(text, "%d.%m.%Y %H:%M"),
    "%m/%d/%y": lambda text: casts.time(text, "%m/%d/%y"),
    "%Y-%m-%d %H:%M:%S%z": lambda text: casts.time(text, "%Y-%m-%d %H:%M:%S%z"),
    "%a %b %d %H:%M:%S %z %Y": lambda text: casts.time(text, "%a %b %d %H:%M:%S %z %Y"),
    "iso in Berlin": lambda text: casts.time(text, "iso", "Europe/Berlin"),
    "%d.%m.%Y %H:%M in New York": lambda text: casts.time(
        text, "%d.%m.%Y %H:%M", "America/New_York"
    ),
    "number": casts.number,
    "exact number": casts.exact_number,
    "integer": casts.integer,
    "boolean": casts.boolean,
}
NASTY = (
    "2025-06-01 12:00:00 Asia/Tokyo", "2025-06-01 12:00:00 America/New_York",
    "2025-06-01 12:00:00 EST", "2025-06-01 12:00:00 UTC+2", "2025-06-01 12:00:00 GMT+02:00",
    "2025-06-01 10:00:00", "2025-06-01 10:00", "2025-06-01", "2025-06-01T10:00:00Z",
    "2025-06-01T10:00:00+02:00", "2025-06-01 10:00:00 +0200", "20250601T100000Z", "20250601",
    "2025-03-30 02:30:00", "2025-10-26 02:30:00", "2025-02-29T10:00:00+02:00",
    "epoch", "infinity", "-infinity", " Infinity ", "EPOCH", "now", "today", "NaN", "inf",
    "01.06.2025 10:00", "29.02.2025 10:00", "01.06.25 10:00", "01/31/10", "01/31/2010",
    "Wed Aug 27 13:08:45 +0000 2008", "Sun Feb 30 13:08:45 -0500 2025", "1748772000",
    "1748772000123", "1748772000123456", "9223372036854775807", "-99999999999", "1e9", "1e18",
    "5", "5.00004", "4.99996", "1_000", "1e3", "1.5E+2", "0x1F", "0b1", "1990.0", "1990.5", " 7 ",
    "true", "F", "yes", "on", "", " ", "\t", "٣", "−5",
)  # fmt: skip


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    """A session in a zone that is not UTC, whose vectors are cast by one thread."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'Asia/Tokyo'")
    return connection


def cast(
    database: duckdb.DuckDBPyConnection, sql: Callable[[str], str], texts: Sequence[str | None]
) -> list[str | None]:
    """What each text becomes, as text, in one query over all of them."""
    database.register("received", pa.table({"text": pa.array(texts, pa.string())}))
    rows = database.execute(f"select cast({sql('text')} as varchar) from received").fetchall()
    return [value for (value,) in rows]


def cast_alone(
    database: duckdb.DuckDBPyConnection, sql: Callable[[str], str], text: str | None
) -> str | None:
    """What a text becomes in a query of its own."""
    query = f"select cast({sql('text')} as varchar) from (values (?::varchar)) as received (text)"
    row = database.execute(query, [text]).fetchone()
    assert row is not None
    return row[0]


def _clocks() -> st.SearchStrategy[str]:
    digits = st.integers(0, 99).map(lambda n: f"{n:02d}")
    return st.builds(
        "{}{}-{}-{}{}{}:{}{}{}{}".format,
        digits, digits, digits, digits, st.sampled_from("T t/"), digits, digits,
        st.sampled_from(("", ":00", ":59", ":60", ":07.123456", ":07,5", ".5")),
        st.sampled_from(("", " ")),
        st.sampled_from(("", "Z", "z", "UTC", "+02", "+0200", "-03:30", "+18:00", "+18:01", "+99",
                         "−02:00", "Asia/Tokyo", "CET", "Europe/Berlin")),
    )  # fmt: skip


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(NASTY),
    _clocks(),
    st.decimals(allow_nan=True, places=6).map(str),
    st.floats().map(str),
    st.integers(-(10**19), 10**19).map(str),
    st.text("0123456789-+:/. TZeExX_%a\u00a0é", max_size=24),
    st.text(max_size=12).map(lambda text: text.replace("\0", "")),
)


@pytest.mark.parametrize("name", CASTS)
@settings(max_examples=25)
@example(distinct=list(NASTY), length=3 * VECTOR, seed=1)
@given(
    distinct=st.lists(TEXTS, min_size=1, max_size=12),
    length=st.sampled_from((1, 2, 60, VECTOR - 1, VECTOR, VECTOR + 1, 2 * VECTOR + 3)),
    seed=st.integers(0, 99),
)
def test_a_text_alone_is_what_it_is_among_any_others(
    database: duckdb.DuckDBPyConnection,
    name: str,
    distinct: list[str | None],
    length: int,
    seed: int,
) -> None:
    alone = {text: cast_alone(database, CASTS[name], text) for text in distinct}
    texts = random.Random(seed).choices(distinct, k=length)
    assert cast(database, CASTS[name], texts) == [alone[text] for text in texts]


def moment(year: int = 1000, until: int = 9998) -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(year, 1, 2), datetime(until, 1, 1))


OFFSETS = st.integers(-18 * 60, 18 * 60).map(lambda n: timezone(timedelta(minutes=n)))


@settings(max_examples=100)
@given(
    at=moment(),
    zone=OFFSETS,
    between=st.sampled_from("T "),
    form=st.sampled_from(("{}{:+03d}:{:02d}", "{}{:+03d}{:02d}", "{} {:+03d}{:02d}", "Z", " UTC", "z")),
    seconds=st.sampled_from(("minutes", "seconds", "milliseconds", "microseconds")),
    comma=st.booleans(),
)  # fmt: skip
def test_every_spelling_of_a_moment_is_that_moment(
    database: duckdb.DuckDBPyConnection,
    at: datetime,
    zone: timezone,
    between: str,
    form: str,
    seconds: str,
    comma: bool,
) -> None:
    """Python's own datetime makes the texts, and says the moment."""
    local = at.replace(tzinfo=UTC if "{" not in form else zone)
    shown = local.replace(tzinfo=None).isoformat(between, timespec=seconds)
    if comma:
        shown = shown.replace(".", ",")
    minutes = round(local.utcoffset().total_seconds() / 60)  # type: ignore[union-attr]
    sign = "-" if minutes < 0 else "+"
    hours = f"{sign}{abs(minutes) // 60:02d}"
    spelled = {
        "{}{:+03d}:{:02d}": f"{shown}{hours}:{abs(minutes) % 60:02d}",
        "{}{:+03d}{:02d}": f"{shown}{hours}{abs(minutes) % 60:02d}",
        "{} {:+03d}{:02d}": f"{shown} {hours}{abs(minutes) % 60:02d}",
    }.get(form, shown + form)
    read = datetime.fromisoformat(shown.replace(",", ".")).replace(tzinfo=local.tzinfo)
    expected = read.astimezone(UTC).replace(tzinfo=None)
    [found] = cast(database, casts.time, [spelled])
    assert found is not None, spelled
    assert datetime.fromisoformat(found) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2025-06-01 12:00:00 Asia/Tokyo", "2025-06-01 12:00:00 CEST", "2025-06-01 12:00:00 UTC+2",
        "2025-06-01T10:00:00+18:01", "2025-06-01T10:00:00-19", "2025-06-01T10:00:00+02:60",
        "2025-06-01T10:00:00+5", "2025-02-29T10:00:00+02:00", "2025-02-29", "2025-13-01T10:00Z",
        "epoch", "infinity", "-infinity", "now", "today", "1748772000", "01/31/10", "10-01-31",
        "12025-06-01", "2025-06-01 10:00:00 BC", "2025-06-01 10:00:00 PM", "20251301", "2025-06",
        "2025-06-01Z", "2025-06-01+02:00", "", " ", "10:00:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_in_iso_is_null(database: duckdb.DuckDBPyConnection, text: str) -> None:
    assert cast_alone(database, casts.time, text) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-06-01T10:00Z", "2025-06-01 10:00:00"),
        ("2025-06-01T10:00:00z", "2025-06-01 10:00:00"),
        ("2025-06-01 12:00:00 +0200", "2025-06-01 10:00:00"),
        ("2025-06-01T12:00:00+02", "2025-06-01 10:00:00"),
        ("2025-06-01T10:00:00−02:00", "2025-06-01 12:00:00"),
        ("2025-06-01 04:00:00-18:00", "2025-06-01 22:00:00"),
        ("2025-06-01 10:00:00 UTC", "2025-06-01 10:00:00"),
        ("2025-06-01T10:00:00.123456789Z", "2025-06-01 10:00:00.123456"),
        ("2025-06-01T10:00:00,5Z", "2025-06-01 10:00:00.5"),
        ("20250601T100000Z", "2025-06-01 10:00:00"),
        ("20250601", "2025-06-01 00:00:00"),
        ("2025-6-1 9:5:0", "2025-06-01 09:05:00"),
        ("2025/06/01 10:00:00", "2025-06-01 10:00:00"),
        (" 2025-06-01 10:00 ", "2025-06-01 10:00:00"),
    ],
)
def test_iso_in_its_many_forms(database: duckdb.DuckDBPyConnection, text: str, moment: str) -> None:
    assert cast_alone(database, casts.time, text) == moment


@pytest.mark.parametrize(
    ("time_format", "text", "moment"),
    [
        ("%m/%d/%Y", "01/31/2010", "2010-01-31 00:00:00"),
        ("%m/%d/%Y", "01/31/10", None),
        ("%m/%d/%y", "01/31/10", "2010-01-31 00:00:00"),
        ("%m/%d/%y", "01/31/2010", None),
        ("%d.%m.%Y", "epoch", None),
        ("%d.%m.%Y %z", "infinity", None),
        ("%d.%m.%Y %H:%M %z", "01.06.2025 12:00 +0200", "2025-06-01 10:00:00"),
        ("%d.%m.%Y %H:%M%z", "01.06.2025 12:00+02:00", "2025-06-01 10:00:00"),
        ("%d.%m.%Y %H:%M%z", "01.06.2025 12:00Z", "2025-06-01 12:00:00"),
        ("%d.%m.%Y %H:%M%z", "01.06.2025 12:00", None),
        ("%d.%m.%Y %H:%M%z", "01.06.2025 12:00+19:00", None),
        ("%d.%m.%Y %H:%M%z", "30.02.2025 12:00+02:00", None),
        ("%a %b %d %H:%M:%S %z %Y", "Wed Aug 27 13:08:45 -0700 2008", "2008-08-27 20:08:45"),
        ("epoch_seconds", "1748772000.25", "2025-06-01 10:00:00.25"),
        ("epoch_seconds", "1_748_772_000", None),
        ("epoch_seconds", "0x6838", None),
        ("epoch_seconds", "99999999999999999999", None),
        ("epoch_milliseconds", "1748772000123", "2025-06-01 10:00:00.123"),
        ("epoch_microseconds", "1748772000123456", "2025-06-01 10:00:00.123456"),
        ("epoch_microseconds", "9223372036854775807", None),
        ("epoch_microseconds", "-9223372036854775808", None),
        ("epoch_seconds", "253402300799", "9999-12-31 23:59:59"),
        ("epoch_seconds", "253402300800", None),
    ],
)
def test_patterns_and_epochs(
    database: duckdb.DuckDBPyConnection, time_format: str, text: str, moment: str | None
) -> None:
    assert cast_alone(database, lambda t: casts.time(t, time_format), text) == moment


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("time_format", ["iso", "%d.%m.%Y %H:%M:%S"])
@settings(max_examples=30)
@example(at=datetime(2025, 3, 30, 2, 30))
@example(at=datetime(2025, 10, 26, 2, 30))
@example(at=datetime(2025, 11, 2, 1, 30))
@example(at=datetime(2025, 4, 6, 1, 45))
@example(at=datetime(2025, 10, 5, 2, 15))
@given(at=st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31)))
def test_local_times_are_those_of_zoneinfo_the_earlier_of_two(
    database: duckdb.DuckDBPyConnection, zone: str, time_format: str, at: datetime
) -> None:
    at = at.replace(microsecond=0)
    text = at.isoformat(" ") if time_format == "iso" else at.strftime(time_format)
    found = cast_alone(database, lambda t: casts.time(t, time_format, zone), text)
    expected = at.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    assert found == f"{expected:%Y-%m-%d %H:%M:%S}"


def test_an_offset_or_epoch_is_not_of_the_sources_zone(
    database: duckdb.DuckDBPyConnection,
) -> None:
    for time_format, text in [
        ("iso", "2025-06-01T10:00:00Z"), ("iso", "2025-06-01 12:00:00+02"),
        ("iso", "2025-06-01T12:00 +0200"), ("iso", "20250601T100000Z"),
        ("%d.%m.%Y %H:%M %z", "01.06.2025 12:00 +0200"), ("epoch_seconds", "1748772000"),
    ]:  # fmt: skip
        zoned = cast_alone(
            database, partial(casts.time, time_format=time_format, time_zone="Asia/Tokyo"), text
        )
        assert zoned == "2025-06-01 10:00:00", text


@settings(max_examples=100)
@given(
    number=st.decimals(-(10**13), 10**13, allow_nan=False, places=9),
    form=st.sampled_from(("{:f}", "{:E}", "{:e}", " {:f} ", "{:+f}")),
)
def test_numbers_are_rounded_half_up_from_any_spelling(
    database: duckdb.DuckDBPyConnection, number: Decimal, form: str
) -> None:
    text = form.format(number)
    rounded = number.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    assert Decimal(cast_alone(database, casts.number, text) or "NaN") == rounded
    assert Decimal(cast_alone(database, casts.exact_number, text) or "NaN") == number


@pytest.mark.parametrize("text", ["1_000", "0x1F", "0b1", "NaN", "inf", "1e400", "1,5", "٣", "5f"])
def test_what_only_a_programming_language_calls_a_number_is_null(
    database: duckdb.DuckDBPyConnection, text: str
) -> None:
    for sql in (
        casts.number,
        casts.exact_number,
        casts.integer,
        *map(CASTS.get, ["epoch_seconds"]),
    ):
        assert sql is not None
        assert cast_alone(database, sql, text) is None


def test_an_integer_is_whole(database: duckdb.DuckDBPyConnection) -> None:
    texts = ["1990", " 1990 ", "1990.0", "1990.", "1990.5", "1e3", "99999999999", "-7"]
    assert cast(database, casts.integer, texts) == [
        "1990", "1990", "1990", "1990", None, None, None, "-7",
    ]  # fmt: skip


def test_dbt_has_the_same_sql() -> None:
    assert casts.MACROS.read_text(encoding="utf-8") == casts.macros(), (
        f"{casts.MACROS} is not what recomart/casts.py says: run 'python -m recomart.casts'"
    )
    macros = Environment().from_string(casts.macros(), {"text_literal": literal}).module
    for time_format in (*casts.TIME_FORMATS, "%d.%m.%Y", "%d' %m %Y %H:%M %z"):
        for zone in (None, "Europe/Berlin"):
            rendered = macros.default__parse_time("column_a", time_format, zone)  # type: ignore[attr-defined]
            assert rendered.strip() == casts.time("column_a", time_format, zone)
    for name in ("number", "exact_number", "integer", "boolean"):
        rendered = getattr(macros, f"default__parse_{name}")("column_a")
        assert rendered.strip() == getattr(casts, name)("column_a")


@pytest.mark.parametrize(
    ("time_format", "said"),
    [
        ("epoch_minutes", "expected iso, epoch_seconds, epoch_milliseconds, epoch_microseconds"),
        ("%Y-%m-%d %Z", "use %z"),
        ("%d.%m.", "no year"),
        ("%Y-%Q", "%Q"),
    ],
)
def test_a_format_in_which_nothing_can_be_read_is_refused(time_format: str, said: str) -> None:
    assert said in (casts.pattern_problem(time_format) or "")
    assert casts.pattern_problem("%d.%m.%Y %z") is None
