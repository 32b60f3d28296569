"""What a kind of rule is, and the kinds that are registered.

To add one, write two files, which share a name:

- `quality/rules/<name>.py` assigns `RULE` an instance of a subclass of `RuleKind`;
- `dbt_project/macros/rules/<name>.sql` has the macro `rule_<name>(rule)`: the SQL condition under
  which a row breaks the rule, or a soft rule flags its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal, Protocol

from pydantic import ConfigDict

from recomart.registry import Registry
from recomart.rules.rule import Outcome, Rule
from recomart.shop.entities import SCHEMA, Entity, EntityColumn

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""Of each model of what `rules:` may say, the parameters of kinds included."""


class Stage(IntEnum):
    """What dbt needs to judge a rule. The rules of an entity are ordered by it."""

    RECORD = 1
    """The record alone."""
    LIST = 2
    """The list of another entity."""
    KEY = 3
    """The other records of its key."""
    VALUE = 4
    """The accepted records: for values that are missing, and for flags."""


class ShopFacts(Protocol):
    """What kinds of rules read of a shop file."""

    @property
    def rating_scale(self) -> tuple[float, float]: ...
    @property
    def opened_at(self) -> datetime | None: ...
    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def unknown_references(self) -> Literal["quarantine", "keep"]: ...
    def sources(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Subject:
    """A column of a shop, and what is declared for it: the parameters of rules, by key."""

    entity: Entity
    column: EntityColumn
    shop: ShopFacts
    by_shop: Mapping[str, Any]
    by_default: Mapping[str, Any]

    def get(self, key: str) -> Any:
        """What counts: the shop file's parameter, else the default; None for neither."""
        found = self.by_shop.get(key)
        return self.by_default.get(key) if found is None else found


@dataclass(frozen=True)
class RuleProblem:
    """A declared rule that could not work. `key` is where it is, dotted, in the shop file."""

    key: str
    message: str
    help: str


class RuleKind(Protocol):
    """A kind of rule; subclass it, and override what differs."""

    name: str
    stage: Stage = Stage.RECORD
    order: int = 100
    """Place among the rules of a column in the same stage; rows list their reasons in this order."""

    @property
    def key(self) -> str:
        """The key of its parameter under `rules.<entity>.columns.<column>`."""
        return self.name

    def parameter(self, column: EntityColumn) -> Any:
        """The type of its parameter for a column, for pydantic; None where the kind does not fit.

        A validator in the type raises ValueError with the rest of a sentence: "is not a pattern".
        """
        return None

    def rules(self, at: Subject) -> Iterator[Rule]:
        """The rules of a column."""
        yield from ()

    def problems(self, at: Subject) -> Iterator[RuleProblem]:
        """What is wrong with a parameter, given the rest of the shop file. Keys count from the column."""
        yield from ()

    def words(self, rule: Rule) -> str:
        """The rule as one sentence that the shop's manager understands."""
        return f"{whose(rule)} keeps the rule {self.name}."

    def rule(self, at: Subject, outcome: Outcome, code: str, **fields: Any) -> Rule:
        """A rule of this kind on a column; `fields` are more of Rule's."""
        rule_id = f"{at.entity.name}.{at.column.name}.{fields.pop('name', self.name)}"
        return Rule(
            rule_id, at.entity.name, at.column.name, self.name, outcome, code,
            data_type=at.column.type, **fields,
        )  # fmt: skip


RULE_KINDS = Registry(
    "rule kind",
    "quality.rules",
    "RULE",
    RuleKind,  # type: ignore[type-abstract]  # only its members' names are read
)


def whose(rule: Rule) -> str:
    """What a sentence about a column begins with: "A user's year of birth"."""
    entity = SCHEMA[rule.entity]
    noun = entity.by_name[rule.column or ""].noun
    return f"{entity.record}'s {noun.partition(' ')[2]}"
