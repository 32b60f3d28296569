"""`missing`: what becomes of a value that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, Field, Strict, model_validator

from quality.rules._ranges import Number
from quality.rules.range import bounds_of
from recomart.rules.kind import STRICT, RuleKind, RuleProblem, Stage, Subject, whose
from recomart.rules.ranges import number_text
from recomart.rules.rule import Outcome, Rule
from recomart.shop.entities import SCHEMA, EntityColumn


class KeepMissing(BaseModel):
    """`keep`: an id or a time is never invented."""

    model_config = STRICT

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        if data == "keep":
            return {}
        if isinstance(data, dict | KeepMissing) and data:
            return data
        known = "keep or {fill: <value>}" if "fill" in cls.model_fields else "keep"
        raise ValueError(f"is {known}; to quarantine such rows, say required: true")


class FillText(KeepMissing):
    """`keep`, or `{fill: text}`."""

    fill: Annotated[str, Strict(), Field(min_length=1)] | None = None


class FillNumber(KeepMissing):
    """`keep`, or `{fill: number}`."""

    fill: Number | None = None


class FillBoolean(KeepMissing):
    """`keep`, or `{fill: true or false}`."""

    fill: Annotated[bool, Strict()] | None = None


_FILLS: dict[str, type[KeepMissing]] = {
    "text": FillText,
    "number": FillNumber,
    "integer": FillNumber,
    "boolean": FillBoolean,
    "time": KeepMissing,
}


class Missing(RuleKind):
    name = "missing"
    stage = Stage.VALUE
    order = 10

    def parameter(self, column: EntityColumn) -> Any:
        if column.required:
            return None
        return KeepMissing if column.name.endswith("_id") else _FILLS[column.type]

    def rules(self, at: Subject) -> Iterator[Rule]:
        if not (at.column.required or at.get("required")):
            fill = _text(_fill(at.get(self.key)))
            outcome: Outcome = "kept" if fill is None else "filled"
            yield self.rule(at, outcome, f"missing_{at.column.name}", fill=fill)

    def problems(self, at: Subject) -> Iterator[RuleProblem]:
        given = at.by_shop.get(self.key)
        if given is None:
            return
        if at.by_shop.get("required"):
            yield RuleProblem(
                self.key,
                f"{at.entity.name}.{at.column.name} says required and missing: a row is quarantined or "
                "kept, not both",
                "leave one of them out",
            )
        fill = _fill(given)
        if fill is None and _fill(at.by_default.get(self.key)) is not None:
            yield RuleProblem(
                self.key,
                f"{at.entity.name}.{at.column.name} cannot stay empty: later steps need it",
                "say {fill: <value>}, or required: true",
            )
        bounds = bounds_of(at)
        if isinstance(fill, float | int) and bounds and bounds.excludes(fill):
            yield RuleProblem(
                self.key,
                f"the fill {fill:g} breaks the rule that the value {bounds.words()}",
                "fill in a value that would be accepted",
            )

    def words(self, rule: Rule) -> str:
        if rule.outcome == "filled":
            return f"{whose(rule)} that is missing becomes {rule.fill}."
        then = SCHEMA[rule.entity].by_name[rule.column or ""].when_missing
        return f"{whose(rule)} may be missing and stays empty{f': {then}' if then else ''}."


def _fill(given: Any) -> Any:
    return getattr(given, "fill", None)


def _text(fill: Any) -> str | None:
    if isinstance(fill, bool):
        return str(fill).lower()
    return number_text(fill) if isinstance(fill, float | int) else fill


RULE = Missing()
