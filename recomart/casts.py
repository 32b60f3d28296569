"""SQL by which a text, as received, becomes a value of its column's type; null where it is none.

Staging, the landing contracts, onboarding and the report's profiles all read texts by these rules.
dbt has them as macros: `python -m recomart.casts` writes `dbt_project/macros/dialect/casts.sql`
from the functions below, and a test compares.

What a text becomes depends on the text alone. DuckDB's own casts do not promise that: `timestamptz`
keeps the zone name of one text for later texts of the same vector that have none, and takes the
session's zone for the first ones. So a text must have a strict shape before it is cast, and only a
text with an offset of its own is ever cast to `timestamptz`. The casts never raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from recomart.files import replace_text
from recomart.project import DBT_PROJECT
from recomart.sql import literal

MACROS = DBT_PROJECT / "macros" / "dialect" / "casts.sql"
EPOCHS = {"epoch_seconds": 6, "epoch_milliseconds": 3, "epoch_microseconds": 0}
"""Time format -> how many digits its unit has after the point until a microsecond."""
TIME_FORMATS = ("iso", *EPOCHS)
"""The time formats with a name. Any other one is a strptime pattern."""

_DATE = r"\d{4}[-/]\d\d?[-/]\d\d?"
_CLOCK = r"\d\d?:\d\d?(:\d\d?([.,]\d*)?)?"
_HOURS = r"((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?)"
"""Of an offset, which lies within 18 hours, as in java.time."""
_LOCAL = rf"{_DATE}([ T]\d\d?:\d\d?(:\d\d?(\.\d*)?)?)?"
_UNUSUAL_LOCAL = rf"\s*({_DATE}([ T]{_CLOCK})?|\d{{8}}(T\d{{6}})?)\s*"
_USUAL = rf"{_DATE}[ T]\d\d?:\d\d?:\d\d?(\.\d*)?[-+]{_HOURS}"
"""A time and its offset as a cast to timestamptz reads them."""
_OFFSET = rf"(Z|z|UTC|GMT|[-+−]{_HOURS})"
_UNUSUAL = rf"\s*({_DATE}[ T]{_CLOCK}|\d{{8}}T\d{{6}}) ?{_OFFSET}\s*"
"""Other valid forms: spaces around, or before the offset; no seconds; a decimal comma; 20250601T100000Z."""
_AROUND = rf"^(.*){_OFFSET}(\D.*|)$"
_EARLIEST, _LATEST = "timestamp '1000-01-01'", "timestamp '10000-01-01'"
"""Of epochs and patterns, what lies outside is null. A `%Y` takes a year of two digits for one of
the first century, and Python has no year of five digits."""


def time(text: str, time_format: str = "iso", time_zone: str | None = None) -> str:
    """SQL of the timestamp, in UTC, that a text says.

    Args:
        text: the SQL of the text.
        time_format: one of TIME_FORMATS, or a strptime pattern.
        time_zone: the IANA zone of times without an offset; None for UTC.
    """
    zone = literal(time_zone) if time_zone else None
    if time_format == "iso":
        return _iso(text, zone)
    if time_format in EPOCHS:
        return _epoch(text, EPOCHS[time_format])
    if "%z" in time_format:
        return _pattern_with_offset(text, literal(time_format.replace("%z", "")))
    return _pattern(text, literal(time_format), zone)


def value(text: str, data_type: str, time_format: str = "iso", time_zone: str | None = None) -> str:
    """SQL of the value of a type of columns (`recomart.shop.entities.DataType`) that a text says."""
    match data_type:
        case "time":
            return time(text, time_format, time_zone)
        case "number":
            return number(text)
        case "integer":
            return integer(text)
        case "boolean":
            return boolean(text)
    return text


def number(text: str) -> str:
    """SQL of the decimal(18,4) that a text says, rounded half away from zero.

    DuckDB rounds a number with an exponent wrongly (5E-8 to 0.0001), so these are cast exactly
    first. In two characters there is no room for an exponent, nor for 1_0.
    """
    signs = " or ".join(f"contains({text}, '{sign}')" for sign in "_eE")
    return f"""case
            when strlen({text}) > 2 and ({signs})
                then try_cast({exact_number(text)} as decimal(18,4))
            else try_cast({text} as decimal(18,4))
        end"""


def exact_number(text: str) -> str:
    """SQL of a number to 18 decimals, for comparisons that `number` would decide by rounding."""
    return f"try_cast({_plain(text)} as decimal(38,18))"


def integer(text: str) -> str:
    """SQL of the whole number that a text says; 1990.0 is one, 1990.5 and 0x7C6 are not."""
    whole = literal(r"\s*[-+]?\d+(\.0*)?\s*")
    return f"case when regexp_full_match({text}, {whole}) then try_cast({text} as integer) end"


def boolean(text: str) -> str:
    """SQL of the boolean that a text says: true, t, yes, y, 1 and their opposites, in any case."""
    return f"try_cast({text} as boolean)"


def _plain(text: str) -> str:
    """A text that a cast to a number may see: DuckDB takes 1_000 for a thousand."""
    return f"case when not contains({text}, '_') then {text} end"


def _iso(text: str, zone: str | None) -> str:
    """Nearly all times end in Z, which one cheap cast reads; others must have a strict shape."""
    return f"""coalesce(
            case
                when {text} like '%Z' or {text} like '% UTC'
                    then try_cast({text} as timestamp)
            end,
            case
                when regexp_full_match({text}, {literal(_USUAL)})
                    then {_instant(text)}
            end,
            {_in_utc(_local_iso(text), zone)},
            case
                when regexp_full_match({text}, {literal(_UNUSUAL)})
                    then {_with_offset(text, _unusual_iso)}
            end
        )"""


def _local_iso(text: str) -> str:
    return f"""case
                when regexp_full_match({text}, {literal(_LOCAL)})
                    then try_cast({text} as timestamp)
                when regexp_full_match({text}, {literal(_UNUSUAL_LOCAL)})
                    then {_unusual_iso(text)}
            end"""


def _unusual_iso(text: str) -> str:
    trimmed = f"regexp_replace({text}, '^\\s+|\\s+$', '', 'g')"
    extended = f"try_cast(replace({trimmed}, ',', '.') as timestamp)"
    return f"coalesce({extended}, try_strptime({trimmed}, ['%Y%m%d', '%Y%m%dT%H%M%S']))"


def _epoch(text: str, digits: int) -> str:
    number = f"try_cast({_plain(text)} as decimal(18, {digits}))"
    micros = f"cast(round({number} * cast(1e{digits} as double)) as bigint)"
    return _plausible(f"make_timestamp({micros})")


def _pattern(text: str, pattern: str, zone: str | None) -> str:
    """DuckDB makes the first of January 1900 of the words epoch and infinity, whatever the pattern."""
    local = f"nullif(try_strptime({text}, {pattern}), timestamp '1900-01-01')"
    return _plausible(_in_utc(local, zone))


def _pattern_with_offset(text: str, pattern: str) -> str:
    """The offset is read apart: with it, DuckDB's strptime takes 30 February for 2 March."""
    return _with_offset(text, lambda without: _pattern(without, pattern, None))


def _with_offset(text: str, local: Callable[[str], str]) -> str:
    around = literal(_AROUND)
    without = f"regexp_replace({text}, {around}, '\\1\\7')"
    offset = f"nullif(regexp_extract({text}, {around}, 2), '')"
    signed = f"replace(regexp_replace({offset}, '[A-Za-z]+', '+00'), '−', '-')"
    return _instant(f"(cast({local(without)} as varchar) || {signed})")


def _instant(text: str) -> str:
    """Of a text with an offset of its own: the session's zone plays no part."""
    return f"make_timestamp(epoch_us(try_cast({text} as timestamptz)))"


def _plausible(time: str) -> str:
    between = f"least(greatest({time}, {_EARLIEST}), {_LATEST})"
    return f"nullif(nullif({between}, {_EARLIEST}), {_LATEST})"


def _in_utc(local: str, zone: str | None) -> str:
    """Local times of a zone, as java.time and Spark read them: where the clock is put back, the
    earlier of the two; where it is put forward, the time that a clock that was not would show.

    DuckDB takes the later of two. The earlier one has the offset of the day before.
    """
    if zone is None:
        return local
    early = f"{_of_zone(f'{local} - interval 1 day', zone)} + interval 1 day"
    return f"""case
                when timezone({zone}, timezone('UTC', {early})) = {local}
                    then {early}
                else {_of_zone(local, zone)}
            end"""


def _of_zone(local: str, zone: str) -> str:
    return f"make_timestamp(epoch_us(timezone({zone}, {local})))"


def needs_zone(time_format: str) -> bool:
    """Whether a time in this format may have no offset, so that a source's zone decides."""
    return time_format not in EPOCHS and "%z" not in time_format


def time_zones() -> frozenset[str]:
    """The names of the zones that DuckDB knows: those of the IANA database."""
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute("select name from pg_timezone_names()").fetchall()
    return frozenset(name for (name,) in rows)


def pattern_problem(time_format: str) -> str | None:
    """Why texts cannot be read in a time format; None if they can."""
    if time_format in TIME_FORMATS:
        return None
    if "%" not in time_format:
        return f"expected {', '.join(TIME_FORMATS)}, or a strptime pattern such as %d.%m.%Y %H:%M"
    if "%Z" in time_format:
        return "%Z reads names of zones, many of which mean several; use %z for offsets like +0200"
    import duckdb

    try:
        with duckdb.connect() as connection:
            connection.execute("select try_strptime('', ?)", [time_format])
    except duckdb.Error as exc:
        return str(exc).partition(f"{time_format}: ")[2] or str(exc)
    if not re.search("%-?[YyGcx]", time_format):
        return "the pattern has no year (%Y, or %y for two digits)"
    return None


def macros() -> str:
    """The text of `MACROS`: the functions above, as dbt's macros for DuckDB."""
    column, pattern, zone = (
        "{{ column }}",
        "{{ text_literal(%s) }}",
        "{{ text_literal(time_zone) }}",
    )
    given = pattern % "time_format"
    bare = pattern % "time_format | replace('%z', '')"
    epochs = "".join(
        f"    {{%- elif time_format == '{name}' -%}}\n        {_epoch(column, digits)}\n"
        for name, digits in EPOCHS.items()
    )
    return f"""\
{{#-
    How texts become values on DuckDB. Written by recomart/casts.py, which says why they
    are read like this; do not edit.
-#}}
{{% macro default__parse_time(column, time_format, time_zone) -%}}
    {{%- if time_format == 'iso' and time_zone -%}}
        {_iso(column, zone)}
    {{%- elif time_format == 'iso' -%}}
        {_iso(column, None)}
{epochs}    {{%- elif '%z' in time_format -%}}
        {_pattern_with_offset(column, bare)}
    {{%- elif time_zone -%}}
        {_pattern(column, given, zone)}
    {{%- else -%}}
        {_pattern(column, given, None)}
    {{%- endif -%}}
{{%- endmacro %}}

{{% macro default__parse_number(column) -%}}
    {number(column)}
{{%- endmacro %}}

{{% macro default__parse_exact_number(column) -%}}
    {exact_number(column)}
{{%- endmacro %}}

{{% macro default__parse_integer(column) -%}}
    {integer(column)}
{{%- endmacro %}}

{{% macro default__parse_boolean(column) -%}}
    {boolean(column)}
{{%- endmacro %}}
"""


if __name__ == "__main__":
    replace_text(MACROS, macros())
