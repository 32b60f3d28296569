"""`unique`: of several records with one key, one counts. No shop file declares it."""

from __future__ import annotations

from collections.abc import Iterator

from recomart.rules.kind import RuleKind, Stage, Subject
from recomart.rules.rule import Rule
from recomart.shop.entities import SCHEMA


class Unique(RuleKind):
    name = "unique"
    stage = Stage.KEY

    def rules(self, at: Subject) -> Iterator[Rule]:
        if at.column.name != at.entity.key[0]:
            return  # two rules an entity, not a column
        copies, versions = f"{at.entity.name}.copies", f"{at.entity.name}.versions"
        yield Rule(copies, at.entity.name, None, self.name, "deduplicated", "deduplicated")
        yield Rule(versions, at.entity.name, None, self.name, "superseded", "superseded")

    def words(self, rule: Rule) -> str:
        entity = SCHEMA[rule.entity]
        if rule.outcome == "deduplicated":
            return f"{entity.record} that was received again, all the same, counts once."
        return (
            f"Of several records with the same {entity.key_words}, the one that arrived last "
            "counts."
        )


RULE = Unique()
