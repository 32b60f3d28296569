"""`reference`: an id is on the shop's list of users or products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from recomart.rules.kind import RuleKind, RuleProblem, Stage, Subject, whose
from recomart.rules.rule import Outcome, Rule
from recomart.shop.entities import SCHEMA, EntityColumn


class Reference(RuleKind):
    name = "reference"
    stage = Stage.LIST

    def parameter(self, column: EntityColumn) -> Any:
        return Literal["quarantine", "keep"] if column.references else None

    def rules(self, at: Subject) -> Iterator[Rule]:
        if at.column.references not in at.shop.sources():
            return
        keep = (at.get(self.key) or at.shop.unknown_references) == "keep"
        outcome: Outcome = "kept" if keep else "quarantined"
        code = f"unknown_{at.column.name.removesuffix('_id')}"
        yield self.rule(at, outcome, code, names=at.column.references)

    def problems(self, at: Subject) -> Iterator[RuleProblem]:
        named = at.column.references
        if at.by_shop.get(self.key) and named not in at.shop.sources():
            yield RuleProblem(
                self.key,
                f"the shop declares no {named} to look a {at.column.name} up in",
                f"declare {named}, or leave this out",
            )

    def words(self, rule: Rule) -> str:
        sentence = f"{whose(rule)} is in {SCHEMA[rule.names or ''].list_words}"
        return f"{sentence}, or is kept all the same." if rule.outcome == "kept" else f"{sentence}."


RULE = Reference()
