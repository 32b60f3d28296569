"""`type`: a value is what the type of its column says. No shop file declares it."""

from __future__ import annotations

from collections.abc import Iterator

from recomart.rules.kind import RuleKind, Subject, whose
from recomart.rules.rule import Rule

WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "time": "a time that can be read",
    "boolean": "true or false",
}


class Type(RuleKind):
    name = "type"
    order = 20

    def rules(self, at: Subject) -> Iterator[Rule]:
        if at.column.type != "text" and not at.column.may_be_invalid:
            yield self.rule(at, "quarantined", f"invalid_{at.column.name}")

    def words(self, rule: Rule) -> str:
        return f"{whose(rule)} is {WORDS[rule.data_type or 'number']}."


RULE = Type()
