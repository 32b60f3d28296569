"""`one_of`: a text is one of a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from recomart.rules.kind import RuleKind, RuleProblem, Subject, whose
from recomart.rules.rule import Rule
from recomart.shop.entities import EntityColumn


class OneOf(RuleKind):
    name = "one_of"
    order = 40

    def parameter(self, column: EntityColumn) -> Any:
        return Annotated[tuple[str, ...], Field(min_length=1)] if column.type == "text" else None

    def rules(self, at: Subject) -> Iterator[Rule]:
        if values := at.get(self.key):
            code = f"unknown_{at.column.name}"
            yield self.rule(at, "quarantined", code, values=values)

    def problems(self, at: Subject) -> Iterator[RuleProblem]:
        known = at.by_default.get(self.key)
        for value in at.by_shop.get(self.key) or ():
            if known and value not in known:
                yield RuleProblem(
                    self.key,
                    f"'{value}' is not a known {at.column.name}",
                    f"choose from {', '.join(known)}; translate others with 'values:' of the "
                    "source",
                )

    def words(self, rule: Rule) -> str:
        return f"{whose(rule)} is one of {', '.join(rule.values)}."


RULE = OneOf()
