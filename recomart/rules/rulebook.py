"""The rules of a shop: the defaults of the entities, and what its file declares over them.

This is the one place where rules are made. dbt makes its SQL from them (`ingestion/dbt_declaration.py`),
and the report reads their words. `quality/rules/` says what each kind of rule means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from recomart.rules.declarations import ColumnRules, default_parameters
from recomart.rules.kind import RULE_KINDS, RuleKind, RuleProblem, Stage, Subject
from recomart.rules.rule import Rule
from recomart.shop.entities import SCHEMA, Entity
from recomart.shop.model import Shop

STOP_ABOVE, STOP_FROM = 0.5, 20
"""Unless the shop declares a share, nothing is published when more than half of an entity's
records, and at least this many, are quarantined: then a format or a rule is wrong, not the data."""


def rules_of(shop: Shop) -> tuple[Rule, ...]:
    """The rules that have something to say in this shop: of the columns that it maps."""
    return tuple(rule for rule in every_rule(shop) if rule.in_use)


def every_rule(shop: Shop) -> tuple[Rule, ...]:
    """All rules, also of entities that the shop does not declare (any more): dbt checks them all."""
    return tuple(rule for entity in SCHEMA.values() for rule in _of_entity(entity, shop))


def stop_of(entity: str, shop: Shop) -> tuple[float, int]:
    """The share of quarantined records of an entity above which to stop, and from how many on."""
    declared = shop.rules.of(entity).stop_above
    return (STOP_ABOVE, STOP_FROM) if declared is None else (declared, 1)


def rule_problems(shop: Shop) -> Iterator[RuleProblem]:
    """Every declared rule that could not work, or would say nothing."""
    for at in (at for entity in SCHEMA.values() for at in _subjects(entity, shop)):
        name, column = at.entity.name, at.column.name
        declared, source = shop.rules.of(name).of(column), shop.sources().get(name)
        if declared is None:
            continue
        key = f"rules.{name}.columns.{column}"
        if source is None or column not in source.columns:
            yield RuleProblem(
                key,
                f"{name}.{column} has rules, and no source maps it",
                f"add '{column}:' to {name}.columns, or leave its rules out",
            )
            continue
        for kind in RULE_KINDS:
            for problem in kind.problems(at):
                yield replace(problem, key=f"{key}.{problem.key}")
        kinds = {rule.kind for rule in _of_entity(at.entity, shop) if rule.column == column}
        stops = declared.stop_above.by_kind if declared.stop_above else {}
        for unknown in stops.keys() - kinds:
            yield RuleProblem(
                f"{key}.stop_above",
                f"{name}.{column} has no rule of the kind {unknown} to stop for",
                f"its kinds are {', '.join(sorted(kinds))}",
            )


def _of_entity(entity: Entity, shop: Shop) -> Iterator[Rule]:
    """The rules of an entity by stage, then by column, then by kind."""
    source = shop.sources().get(entity.name)
    mapped = source.columns if source else {}
    kinds = sorted(RULE_KINDS, key=lambda kind: (kind.stage, kind.order))
    for stage in Stage:
        for at in _subjects(entity, shop):
            declared = shop.rules.of(entity.name).of(at.column.name)
            for kind in (kind for kind in kinds if kind.stage == stage):
                for rule in kind.rules(at):
                    of_column = declared if rule.column else None
                    yield replace(
                        rule,
                        words=kind.words(rule),
                        because=_because(of_column, kind),
                        stop_above=_stop_above(of_column, rule),
                        in_use=bool(mapped) and (rule.column is None or rule.column in mapped),
                    )


def _subjects(entity: Entity, shop: Shop) -> Iterator[Subject]:
    for column in entity.columns:
        declared = shop.rules.of(entity.name).of(column.name)
        defaults = default_parameters(entity.name, column.name)
        yield Subject(entity, column, shop, dict(declared) if declared else {}, defaults)


def _because(declared: ColumnRules | None, kind: RuleKind) -> str | None:
    """The reason that the shop file gives, for the kinds of rules that it names itself."""
    return declared.because if declared and getattr(declared, kind.key, None) is not None else None


def _stop_above(declared: ColumnRules | None, rule: Rule) -> float | None:
    if declared is None or declared.stop_above is None:
        return None
    return declared.stop_above.of(rule.kind, quarantines=rule.outcome == "quarantined")
