"""`rare_below`: a text that few records have is flagged and kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, Strict

from recomart.rules.kind import RuleKind, Stage, Subject, whose
from recomart.rules.rule import Rule
from recomart.shop.entities import EntityColumn


class Rare(RuleKind):
    name = "rare"
    stage = Stage.VALUE
    order = 30

    @property
    def key(self) -> str:
        return "rare_below"

    def parameter(self, column: EntityColumn) -> Any:
        return Annotated[int, Strict(), Field(ge=2)] if column.type == "text" else None

    def rules(self, at: Subject) -> Iterator[Rule]:
        if below := at.get(self.key):
            code = f"rare_{at.column.name}"
            yield self.rule(at, "flagged", code, parameters={"rare_below": below})

    def words(self, rule: Rule) -> str:
        below = rule.parameters["rare_below"]
        return f"{whose(rule)} that fewer than {below} records have is flagged and kept."


RULE = Rare()
