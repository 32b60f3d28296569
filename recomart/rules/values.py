"""The values that keys of `rules:` take: ranges, what is usual, what is missing, shares to stop at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

Number = Annotated[float, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]

TUKEYS_FENCE = 1.5


class NumberRange(BaseModel):
    """`[low, high]` with both ends, null for an open one, or its bounds by name."""

    model_config = STRICT

    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        return _bounds(data)

    @model_validator(mode="after")
    def _in_order(self) -> NumberRange:
        if None not in (self.at_least, self.above) or None not in (self.at_most, self.below):
            raise ValueError("takes one of at_least and above, and one of at_most and below")
        low = self.at_least if self.above is None else self.above
        high = self.at_most if self.below is None else self.below
        _check_order(low, high)
        return self


class TimeRange(BaseModel):
    """`[first, last]` with both ends, null for an open one; a time without an offset is UTC."""

    model_config = STRICT

    at_least: datetime | None = None
    at_most: datetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        return _bounds(data)

    @field_validator("at_least", "at_most")
    @classmethod
    def _utc(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)

    @model_validator(mode="after")
    def _in_order(self) -> TimeRange:
        _check_order(self.at_least, self.at_most)
        return self


def _bounds(data: Any) -> Any:
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


class Usual(BaseModel):
    """`iqr`, `{iqr: 3}` or `[low, high]`: what lies outside is flagged and kept.

    The fences of `iqr: k` lie k interquartile ranges below the first and above the third quartile;
    1.5 are the inner fences, 3 the outer ones. Source: Tukey, Exploratory Data Analysis, 1977,
    section 2D.
    """

    model_config = STRICT

    iqr: Annotated[float, Strict(), Field(gt=0)] | None = None
    between: NumberRange | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        if data == "iqr":
            return {"iqr": TUKEYS_FENCE}
        if isinstance(data, list | tuple):
            return {"between": data}
        if isinstance(data, dict | Usual):
            return data
        raise ValueError("is iqr, {iqr: 3} or [low, high]")

    @model_validator(mode="after")
    def _one(self) -> Usual:
        if (self.iqr is None) == (self.between is None):
            raise ValueError("is either iqr or a range")
        return self


class _Missing(BaseModel):
    model_config = STRICT

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        if data == "keep":
            return {}
        if isinstance(data, dict | _Missing) and data:
            return data
        known = "keep or {fill: <value>}" if "fill" in cls.model_fields else "keep"
        raise ValueError(f"is {known}; to quarantine such rows, say required: true")


class KeepMissing(_Missing):
    """`keep`: an id or a time is never invented."""


class FillText(_Missing):
    """`keep`, or `{fill: text}`."""

    fill: Annotated[str, Strict(), Field(min_length=1)] | None = None


class FillNumber(_Missing):
    """`keep`, or `{fill: number}`."""

    fill: Number | None = None


class FillBoolean(_Missing):
    """`keep`, or `{fill: true or false}`."""

    fill: Annotated[bool, Strict()] | None = None


class StopAbove(BaseModel):
    """A share for each rule of the column that quarantines (`all`), or shares by kind of rule."""

    model_config = STRICT

    all: Share | None = None
    required: Share | None = None
    type: Share | None = None
    range: Share | None = None
    one_of: Share | None = None
    reference: Share | None = None
    time: Share | None = None
    usual: Share | None = None
    rare: Share | None = None
    missing: Share | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_share(cls, data: Any) -> Any:
        return data if isinstance(data, dict | StopAbove) else {"all": data}

    @property
    def by_kind(self) -> dict[str, float]:
        """The shares that are declared for one kind of rule."""
        return {kind: share for kind, share in self if share is not None and kind != "all"}

    def of(self, kind: str, *, quarantines: bool) -> float | None:
        """The share of a rule: that of its kind, else for one that quarantines that of all."""
        return self.by_kind.get(kind, self.all if quarantines else None)
