"""What the `rules:` of a shop file may say, column by column.

Each column takes the keys of the rule kinds that fit its type: a range of a text is not a key
there, so that the shop file's reader points to its line.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, Strict, create_model, model_validator

from recomart.rules.kind import RULE_KINDS, STRICT, Stage
from recomart.shop.entities import SCHEMA, Entity

Share = Annotated[float, Strict(), Field(ge=0, le=1)]


class _StopAbove(BaseModel):
    """A share for each rule of the column that quarantines (`all`), or shares by kind of rule."""

    model_config = STRICT

    all: Share | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_share(cls, data: Any) -> Any:
        return data if isinstance(data, dict | _StopAbove) else {"all": data}

    @property
    def by_kind(self) -> dict[str, float]:
        """The shares that are declared for one kind of rule."""
        return {kind: share for kind, share in self if share is not None and kind != "all"}

    def of(self, kind: str, *, quarantines: bool) -> float | None:
        """The share of a rule: that of its kind, else for one that quarantines that of all."""
        return self.by_kind.get(kind, self.all if quarantines else None)


_KINDS_OF_COLUMNS = [kind for kind in RULE_KINDS if kind.stage != Stage.KEY]
_SHARES: dict[str, Any] = {kind.name: (Share | None, None) for kind in _KINDS_OF_COLUMNS}
if TYPE_CHECKING:
    StopAbove = _StopAbove
else:
    StopAbove = create_model("StopAbove", __base__=_StopAbove, **_SHARES)


class ColumnRules(BaseModel):
    """What every column may say; the models made of it have a field per kind of rule that fits."""

    model_config = STRICT

    because: str | None = Field(None, description="Why, for the report.")
    stop_above: StopAbove | None = Field(
        None, description="Share of records that break a rule above which nothing is published."
    )


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


class DeclaredRules(BaseModel):
    """What `rules:` may be; `Rules` adds a field per entity."""

    model_config = STRICT

    def of(self, entity: str) -> EntityRules:
        """What is declared for an entity."""
        return getattr(self, entity, None) or EntityRules(stop_above=None)


@cache
def column_model(entity: str, column: str) -> type[ColumnRules]:
    """What `rules.<entity>.columns.<column>` may be."""
    declared = SCHEMA[entity].by_name[column]
    fields: dict[str, Any] = {
        kind.key: (parameter | None, None)
        for kind in RULE_KINDS
        if (parameter := kind.parameter(declared)) is not None
    }
    return create_model(f"{entity}_{column}_rules", __base__=ColumnRules, **fields)


@cache
def default_parameters(entity: str, column: str) -> dict[str, Any]:
    """The default rules of a column, read as a shop file's would be."""
    rules = SCHEMA[entity].by_name[column].rules
    return dict(column_model(entity, column).model_validate(rules))


def _entity_model(entity: Entity) -> type[EntityRules]:
    fields: dict[str, Any] = {
        column.name: (column_model(entity.name, column.name) | None, None)
        for column in entity.columns
    }
    columns = create_model(f"{entity.name}_columns", __config__=STRICT, **fields)
    return create_model(
        f"{entity.name}_rules", __base__=EntityRules, columns=(columns | None, None)
    )


if TYPE_CHECKING:
    Rules = DeclaredRules
else:
    Rules = create_model(
        "Rules",
        __base__=DeclaredRules,
        **{entity.name: (_entity_model(entity) | None, None) for entity in SCHEMA.values()},
    )
