"""What the `rules:` of a shop file may say, column by column. Defaults stand in recomart/rules/rule.py.

Each column takes the keys that make sense for its type: a range on a text is not a key there, so
that the shop file's reader points to its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, Strict, create_model, model_validator

from recomart.rules.values import (
    STRICT,
    FillBoolean,
    FillNumber,
    FillText,
    KeepMissing,
    NumberRange,
    Share,
    StopAbove,
    TimeRange,
    Usual,
)
from recomart.shop.entities import ENTITIES, REQUIRED, TYPES, DataType, is_reference


class ColumnRules(BaseModel):
    """What every column may say."""

    model_config = STRICT

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

    model_config = STRICT

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
    columns = create_model(f"{entity}_columns", __config__=STRICT, **fields)
    return create_model(f"{entity}_rules", __base__=EntityRules, columns=(columns | None, None))


class DeclaredRules(BaseModel):
    """What `rules:` may be; `Rules` adds a field per entity."""

    model_config = STRICT

    def of(self, entity: str) -> EntityRules:
        """What is declared for an entity."""
        return getattr(self, entity, None) or EntityRules(stop_above=None)


_FIELDS: dict[str, Any] = {entity: (_entity_rules(entity) | None, None) for entity in ENTITIES}

if TYPE_CHECKING:
    Rules = DeclaredRules
else:
    Rules = create_model("Rules", __base__=DeclaredRules, **_FIELDS)
