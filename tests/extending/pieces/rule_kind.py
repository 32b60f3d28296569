"""`matches`: a text fits a regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator

from recomart.rules.kind import RuleKind, Subject, whose
from recomart.rules.rule import Rule
from recomart.shop.entities import EntityColumn


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as exc:
        raise ValueError(f"is not a regular expression: {exc}") from exc
    return text


class Matches(RuleKind):
    name = "matches"
    order = 60

    def parameter(self, column: EntityColumn) -> Any:
        return Annotated[str, AfterValidator(_pattern)] if column.type == "text" else None

    def rules(self, at: Subject) -> Iterator[Rule]:
        if pattern := at.get(self.key):
            code = f"malformed_{at.column.name}"
            yield self.rule(at, "quarantined", code, parameters={"pattern": pattern})

    def words(self, rule: Rule) -> str:
        return f"{whose(rule)} matches {rule.parameters['pattern']}."


RULE = Matches()
