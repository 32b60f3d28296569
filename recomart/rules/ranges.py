"""Ranges of numbers and times: how a shop file writes them, and how a rule carries them to dbt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Strict, field_validator, model_validator

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

Number = Annotated[float, Strict()]
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


class NumberRange(BaseModel):
    """`[low, high]` with both ends, null for an open one, or its bounds by name."""

    model_config = STRICT

    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None
    until_year_of_load: bool = False

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        named = _by_name(data)
        if isinstance(named, dict) and named.get("at_most") == YEAR_OF_LOAD:
            return {**named, "at_most": None, "until_year_of_load": True}
        return named

    @model_validator(mode="after")
    def _in_order(self) -> NumberRange:
        if None not in (self.at_least, self.above) or None not in (self.at_most, self.below):
            raise ValueError("takes one of at_least and above, and one of at_most and below")
        if not self.until_year_of_load:
            _check_order(*self.ends)
        return self

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The lower and the upper end, None for none."""
        low = self.at_least if self.above is None else self.above
        return low, self.at_most if self.below is None else self.below

    def bounds(self) -> Bounds:
        """The range as a rule carries it."""
        low, high = (None if end is None else number_text(end) for end in self.ends)
        return Bounds(
            low,
            YEAR_OF_LOAD if self.until_year_of_load else high,
            low_open=self.above is not None,
            high_open=self.below is not None,
        )


class TimeRange(BaseModel):
    """`[first, last]` with both ends, null for an open one; a time without an offset is UTC."""

    model_config = STRICT

    at_least: datetime | None = None
    at_most: datetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        return _by_name(data)

    @field_validator("at_least", "at_most")
    @classmethod
    def _utc(cls, moment: datetime | None) -> datetime | None:
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)

    @model_validator(mode="after")
    def _in_order(self) -> TimeRange:
        _check_order(self.at_least, self.at_most)
        return self

    def bounds(self) -> Bounds:
        """The range as a rule carries it."""
        first, last = self.at_least, self.at_most
        return Bounds(time_text(first) if first else None, time_text(last) if last else None)


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


def _by_name(data: Any) -> Any:
    if isinstance(data, list | tuple):
        if len(data) != 2:
            raise ValueError("is [low, high]; null leaves an end open")
        return {"at_least": data[0], "at_most": data[1]}
    if not isinstance(data, dict | BaseModel):
        raise ValueError("is [low, high], or a mapping of its bounds")
    return data


def _check_order(low: Any, high: Any) -> None:
    if low is None and high is None:
        raise ValueError("has no bound")
    if low is not None and high is not None and low > high:
        raise ValueError(f"begins at {low} and ends before it, at {high}")
