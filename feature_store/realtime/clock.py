"""Time as real-time state counts it: whole microseconds, UTC minutes and UTC days since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from recomart.events import MAX_LATE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
"""Microseconds."""

HORIZON = MAX_LATE // MICROSECOND
"""Microseconds before `as_of` within which an event can count for a feature: 24 hours."""

KEPT_AFTER_DAY = HORIZON + HOUR
"""Microseconds for which a UTC day's state is kept after the day has ended. The hour beyond the
horizon lets a lookup ask for an instant that has just passed."""


def micros_of(instant: datetime) -> int:
    """Microseconds since 1970. A naive time is UTC."""
    return ((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def instant_of(micros: int) -> datetime:
    """The time in UTC that is `micros` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)


def expires_at(day: int) -> int:
    """The second since 1970 at which the state of a UTC day is gone."""
    return ((day + 1) * DAY + KEPT_AFTER_DAY) // SECOND


def days_of(as_of: int) -> range:
    """The UTC days of all events that can count at `as_of`, the oldest first."""
    return range((as_of - HORIZON + 1) // DAY, as_of // DAY + 1)


@lru_cache(maxsize=64)
def day_name(day: int) -> str:
    """A UTC day as it is written in keys, `20261124`."""
    return (date(1970, 1, 1) + timedelta(days=day)).strftime("%Y%m%d")
