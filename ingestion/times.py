"""Times as text, in the format that a source declares: read in one way, here and in staging."""

from __future__ import annotations

from recomart.sql import literal


def timestamp(time_format: str, column: str) -> str:
    """SQL of the timestamp (UTC) that staging makes of a text column; null where it is none.

    It may raise for an epoch beyond what a timestamp holds; wrap it in `try` for rows that were
    not looked at yet. dbt's macro `parse_time` is the same for dbt.

    Args:
        time_format: iso, epoch_seconds, epoch_milliseconds, or a strptime pattern.
        column: the SQL of the text.
    """
    if time_format == "iso":
        return f"timezone('UTC', try_cast({column} as timestamptz))"
    if time_format == "epoch_seconds":
        return f"make_timestamp(cast(round(try_cast({column} as decimal(18, 6)) * 1e6) as bigint))"
    if time_format == "epoch_milliseconds":
        return f"make_timestamp(cast(round(try_cast({column} as decimal(18, 3)) * 1e3) as bigint))"
    return f"cast(try_strptime({column}, {literal(time_format)}) as timestamp)"
