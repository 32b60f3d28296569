"""`required`: a record without a value is quarantined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Strict

from recomart.rules.kind import RuleKind, Subject
from recomart.rules.rule import Rule
from recomart.shop.entities import SCHEMA, EntityColumn


class Required(RuleKind):
    name = "required"
    order = 10

    def parameter(self, column: EntityColumn) -> Any:
        return Annotated[bool, Strict()]

    def rules(self, at: Subject) -> Iterator[Rule]:
        if at.column.required or at.get(self.key):
            yield self.rule(at, "quarantined", f"missing_{at.column.name}")

    def words(self, rule: Rule) -> str:
        entity = SCHEMA[rule.entity]
        return f"{entity.record} has {entity.by_name[rule.column or ''].noun}."


RULE = Required()
