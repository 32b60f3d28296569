"""`range`: a number or time lies between two bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quality.rules._ranges import NumberRange, TimeRange
from recomart.rules.kind import RuleKind, RuleProblem, Subject, whose
from recomart.rules.ranges import Bounds, number_text
from recomart.rules.rule import Rule
from recomart.shop.entities import EntityColumn


class Range(RuleKind):
    name = "range"
    order = 30

    def parameter(self, column: EntityColumn) -> Any:
        return {"number": NumberRange, "integer": NumberRange, "time": TimeRange}.get(column.type)

    def rules(self, at: Subject) -> Iterator[Rule]:
        if bounds := bounds_of(at):
            code = f"out_of_range_{at.column.name}"
            yield self.rule(at, "quarantined", code, bounds=bounds)

    def problems(self, at: Subject) -> Iterator[RuleProblem]:
        given = at.by_shop.get(self.key)
        if at.column.on_rating_scale and given:
            low, high = at.shop.rating_scale
            first, last = given.ends
            if first is None or last is None or first < low or last > high:
                yield RuleProblem(
                    self.key,
                    f"ratings outside of the rating_scale, {low:g} to {high:g}, cannot be learned "
                    "from",
                    "keep the range within it, or declare another rating_scale",
                )

    def words(self, rule: Rule) -> str:
        return f"{whose(rule)} {(rule.bounds or Bounds()).words()}."


def bounds_of(at: Subject) -> Bounds | None:
    """Between what a column's values lie: as declared, or on the shop's rating scale."""
    given = at.get("range")
    if given is None and at.column.on_rating_scale:
        low, high = at.shop.rating_scale
        return Bounds(number_text(low), number_text(high))
    return given.bounds() if given else None


RULE = Range()
