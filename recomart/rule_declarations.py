"""What the `rules:` of a shop file may say, column by column. Defaults stand in recomart/rules.py.

Each column takes the keys that make sense for its type: a range on a text is not a key there, so
that the shop file's reader points to its line.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    create_model,
    field_validator,
    model_validator,
)

from recomart.entities import ENTITIES, REQUIRED, TYPES, DataType, is_reference

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

Number = Annotated[float, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]

TUKEYS_FENCE = 1.5


class NumberRange(BaseModel):
    """`[low, high]` with both ends, null for an open one, or its bounds by name."""

    model_config = _STRICT

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

    model_config = _STRICT

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

    model_config = _STRICT

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
    model_config = _STRICT

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

    model_config = _STRICT

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


class ColumnRules(BaseModel):
    """What every column may say."""

    model_config = _STRICT

    because: str | None = Field(None, description="Why, for the report.")
    stop_above: StopAbove | None = Field(
        None, description="Share of records that break a rule above which nothing is published."
    )
    required: Annotated[bool, Strict()] | None = Field(
        None, description="true: rows without a value are quarantined."
    )

    @model_validator(mode="after")
    def _required_or_kept(self) -> ColumnRules:
        missing = getattr(self, "missing", None)
        if self.required and missing is not None:
            raise ValueError("says required and missing: a row is quarantined or kept, not both")
        return self


class TextRules(ColumnRules):
    """An id or word that every record has."""

    one_of: tuple[str, ...] | None = Field(None, min_length=1)
    rare_below: Annotated[int, Strict(), Field(ge=2)] | None = Field(
        None, description="Values that fewer accepted records have are flagged."
    )


class NumberRules(ColumnRules):
    """A number that every record has."""

    range: NumberRange | None = None
    usual: Usual | None = None


class TimeRules(ColumnRules):
    """A time that every record has."""

    range: TimeRange | None = None


class ReferenceRules(TextRules):
    """An id of the shop's list of users or products."""

    reference: Literal["quarantine", "keep"] | None = Field(
        None, description="What becomes of a row whose id the list lacks."
    )


class OptionalText(TextRules):
    """A word that a record may lack."""

    missing: FillText | None = None


class OptionalId(TextRules):
    """An id that a record may lack."""

    missing: KeepMissing | None = None


class OptionalReference(ReferenceRules):
    """An id of a list that a record may lack."""

    missing: KeepMissing | None = None


class OptionalNumber(NumberRules):
    """A number that a record may lack."""

    missing: FillNumber | None = None


class OptionalTime(TimeRules):
    """A time that a record may lack."""

    missing: KeepMissing | None = None


class OptionalBoolean(ColumnRules):
    """A yes or no that a record may lack."""

    missing: FillBoolean | None = None


def _class_of(entity: str, column: str) -> type[ColumnRules]:
    needed = column in REQUIRED[entity]
    if is_reference(entity, column):
        return ReferenceRules if needed else OptionalReference
    by_type: dict[DataType, tuple[type[ColumnRules], type[ColumnRules]]] = {
        "text": (TextRules, OptionalId if column.endswith("_id") else OptionalText),
        "number": (NumberRules, OptionalNumber),
        "integer": (NumberRules, OptionalNumber),
        "time": (TimeRules, OptionalTime),
        "boolean": (ColumnRules, OptionalBoolean),
    }
    always, optional = by_type[TYPES[entity][column]]
    return always if needed else optional


class EntityRules(BaseModel):
    """The rules of one entity. `columns` has a field per canonical column."""

    model_config = _STRICT

    stop_above: Share | None = Field(
        None, description="Share of quarantined records above which nothing is published."
    )
    columns: Any = None

    def of(self, column: str) -> ColumnRules | None:
        """What is declared for a column."""
        return getattr(self.columns, column, None)


def _entity_rules(entity: str) -> type[EntityRules]:
    fields: dict[str, Any] = {
        column: (_class_of(entity, column) | None, None) for column in ENTITIES[entity]
    }
    columns = create_model(f"{entity}_columns", __config__=_STRICT, **fields)
    return create_model(f"{entity}_rules", __base__=EntityRules, columns=(columns | None, None))


class DeclaredRules(BaseModel):
    """What `rules:` may be; `Rules` adds a field per entity."""

    model_config = _STRICT

    def of(self, entity: str) -> EntityRules:
        """What is declared for an entity."""
        return getattr(self, entity, None) or EntityRules(stop_above=None)


_FIELDS: dict[str, Any] = {entity: (_entity_rules(entity) | None, None) for entity in ENTITIES}

if TYPE_CHECKING:
    Rules = DeclaredRules
else:
    Rules = create_model("Rules", __base__=DeclaredRules, **_FIELDS)
