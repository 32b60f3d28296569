"""What a demo shop is made from: scale, seed and end date; and what follows from these three."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from recomart.errors import ConfigurationError
from recomart.settings import Settings

DAYS = 120
"""Days of history. The last one is the end date."""

EXPORT_HOURS = 2
"""The shop hands out its data at 02:00 UTC of the end date, so that nothing lies in the future of
whoever generates today's shop, and the last day holds two hours."""

EVENTS = 100_000
USERS = 1_000
PRODUCTS = 500


@dataclass(frozen=True)
class Plan:
    """One demo shop. Equal plans give equal bytes.

    Events grow with the scale, users with scale^(2/3), products with scale^(1/3): so the matrix of
    users by products grows as fast as the events in it, and its density stays the same.
    """

    scale: float
    seed: int
    end_date: date

    @property
    def first_day(self) -> date:
        return self.end_date - timedelta(days=DAYS - 1)

    @property
    def users(self) -> int:
        return max(30, round(USERS * self.scale ** (2 / 3)))

    @property
    def products(self) -> int:
        return max(48, round(PRODUCTS * self.scale ** (1 / 3)))

    @property
    def events(self) -> int:
        """About how many events the history holds."""
        return round(EVENTS * self.scale)

    def date_of(self, day: int) -> date:
        """The date of a day's number; day 0 is the first."""
        return self.first_day + timedelta(days=day)

    def hours_of(self, day: int) -> int:
        """How many hours of a day are in the history."""
        return EXPORT_HOURS if day == DAYS - 1 else 24

    def instant(self, day: float) -> datetime:
        """UTC time of a (fractional, perhaps negative) day's number."""
        midnight = datetime.combine(self.first_day, time(), tzinfo=UTC)
        return midnight + timedelta(days=day)

    def random(self, purpose: str, *numbers: int) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose.

        So one part of the shop can change without another one's numbers moving, and a simulator
        that starts from the same plan has the same tastes.
        """
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode()), *numbers])


def make_plan(
    settings: Settings,
    *,
    scale: float | None = None,
    seed: int | None = None,
    end_date: str | date | None = None,
) -> Plan:
    """The plan from arguments, and from the settings where these are None.

    Raises:
        ConfigurationError: the end date is not a date, or the scale is not above zero.
    """
    scale = settings.scale if scale is None else scale
    if not scale > 0:
        raise ConfigurationError(
            "the demo shop's scale must be above 0",
            found=repr(scale),
            help="1 is 100,000 events; set RECOMART_SCALE or --scale",
        )
    return Plan(
        scale=float(scale),
        seed=settings.seed if seed is None else seed,
        end_date=_date(end_date or settings.end_date),
    )


def _date(value: str | date | None) -> date:
    if value is None:
        return (datetime.now(UTC) - timedelta(hours=EXPORT_HOURS)).date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as exc:
        raise ConfigurationError(
            "the demo shop's end date is not a date",
            found=repr(value),
            help="write it as YYYY-MM-DD; set RECOMART_END_DATE or --end-date, or unset it for today",
        ) from exc
