"""`usual`: a number that is far from the others is flagged and kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, Field, Strict, model_validator

from quality.rules._ranges import NumberRange
from recomart.rules.kind import STRICT, RuleKind, Stage, Subject, whose
from recomart.rules.ranges import Bounds
from recomart.rules.rule import Rule
from recomart.shop.entities import EntityColumn

TUKEYS_FENCE = 1.5


class Bulk(BaseModel):
    """`iqr`, `{iqr: 3}` or `[low, high]`: between what most values lie.

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
        if isinstance(data, dict | Bulk):
            return data
        raise ValueError("is iqr, {iqr: 3} or [low, high]")

    @model_validator(mode="after")
    def _one(self) -> Bulk:
        if (self.iqr is None) == (self.between is None):
            raise ValueError("is either iqr or a range")
        return self


class Usual(RuleKind):
    name = "usual"
    stage = Stage.VALUE
    order = 20

    def parameter(self, column: EntityColumn) -> Any:
        return Bulk if column.type in ("number", "integer") else None

    def rules(self, at: Subject) -> Iterator[Rule]:
        if bulk := at.get(self.key):
            yield self.rule(
                at, "flagged", f"unusual_{at.column.name}", parameters={"iqr": bulk.iqr},
                bounds=bulk.between.bounds() if bulk.between else None,
            )  # fmt: skip

    def words(self, rule: Rule) -> str:
        if iqr := rule.parameters["iqr"]:
            far = f"lies more than {iqr:g} interquartile ranges beyond the middle half"
        else:
            usual = (rule.bounds or Bounds()).words().removeprefix("lies ").removeprefix("is ")
            far = f"is not usual ({usual})"
        return f"{whose(rule)} that {far} is flagged and kept."


RULE = Usual()
