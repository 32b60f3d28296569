"""Ranges of numbers and times, as a shop file writes them: parameters of several kinds of rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Strict, field_validator, model_validator

from recomart.rules.kind import STRICT
from recomart.rules.ranges import YEAR_OF_LOAD, Bounds, number_text, time_text

Number = Annotated[float, Strict()]


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
