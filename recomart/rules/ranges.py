"""Bounds of numbers and times, as a rule carries them to dbt, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

YEAR_OF_LOAD: Literal["year_of_load"] = "year_of_load"
"""An upper bound that moves: the year in which a record was loaded."""


@dataclass(frozen=True)
class Bounds:
    """What lies between, ends included unless open. Numbers and UTC times as text."""

    low: str | None = None
    high: str | None = None
    low_open: bool = False
    high_open: bool = False

    def excludes(self, number: float) -> bool:
        """Whether a number lies outside; a bound that moves excludes nothing."""
        value = Decimal(str(number))
        low = Decimal(self.low) if self.low is not None else None
        high = Decimal(self.high) if self.high and self.high != YEAR_OF_LOAD else None
        too_low = low is not None and (value <= low if self.low_open else value < low)
        too_high = high is not None and (value >= high if self.high_open else value > high)
        return too_low or too_high

    def words(self) -> str:
        """`lies between 1 and 5`, `is above 0 and at most 100,000`."""
        low, high = bound_words(self.low), bound_words(self.high)
        if low and high and not self.low_open and not self.high_open:
            return f"lies between {low} and {high}"
        ends = []
        if low:
            ends.append(f"{'above' if self.low_open else 'at least'} {low}")
        if high:
            ends.append(f"{'below' if self.high_open else 'at most'} {high}")
        return f"is {' and '.join(ends)}"


def number_text(value: float) -> str:
    """15 digits at most, and no exponent: 1 and 0.1 stay what they are in the file."""
    return f"{Decimal(f'{value:.15g}'):f}"


def time_text(moment: datetime) -> str:
    """A time as UTC text without an offset; one without an offset is UTC already."""
    utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000")


def bound_words(text: str | None) -> str | None:
    """A bound for people: 100,000; 2020-01-01; the year of the load."""
    if text == YEAR_OF_LOAD:
        return "the year of the load"
    if text and text.isdigit() and len(text) > 4:
        return f"{int(text):,}"
    return text.removesuffix(" 00:00:00") if text else None
