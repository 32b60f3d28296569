"""What is wrong with declared rules beyond their own words: what the rest of the shop file says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from recomart.rules.declarations import ColumnRules, NumberRules, ReferenceRules, TextRules
from recomart.rules.defaults import DEFAULT_FILLS, DEFAULT_SETS
from recomart.rules.rule import Rule, every_rule
from recomart.rules.values import NumberRange
from recomart.shop.entities import ENTITIES, LISTS
from recomart.shop.model import Shop


@dataclass(frozen=True)
class RuleProblem:
    """`key` is where it stands, `rules.<entity>.columns.<column>.<key>`."""

    key: str
    message: str
    help: str


def rule_problems(shop: Shop) -> Iterator[RuleProblem]:
    """Every declared rule that could not hold, or would say nothing."""
    rules = {rule.rule_id: rule for rule in every_rule(shop)}
    for entity in ENTITIES:
        declared_columns = shop.rules.of(entity)
        source = shop.sources().get(entity)
        for column in ENTITIES[entity]:
            declared = declared_columns.of(column)
            if declared is None:
                continue
            key = f"rules.{entity}.columns.{column}"
            if source is None or column not in source.columns:
                yield RuleProblem(
                    key,
                    f"{entity}.{column} has rules, and no source maps it",
                    f"add '{column}:' to {entity}.columns, or leave its rules out",
                )
                continue
            yield from _of_column(key, entity, column, declared, shop, rules)


def _of_column(
    key: str,
    entity: str,
    column: str,
    declared: ColumnRules,
    shop: Shop,
    rules: dict[str, Rule],
) -> Iterator[RuleProblem]:
    if isinstance(declared, NumberRules) and declared.range and column == "rating":
        low, high = shop.rating_scale
        first, last = _ends(declared.range)
        if first is None or last is None or first < low or last > high:
            yield RuleProblem(
                f"{key}.range",
                f"ratings outside of the rating_scale, {low:g} to {high:g}, cannot be learned from",
                "keep the range within it, or declare another rating_scale",
            )
    if isinstance(declared, TextRules) and declared.one_of:
        known = DEFAULT_SETS.get((entity, column), declared.one_of)
        for value in declared.one_of:
            if value not in known:
                yield RuleProblem(
                    f"{key}.one_of",
                    f"'{value}' is no {column} that we know",
                    f"choose from {', '.join(known)}; translate others with 'values:' of the source",
                )
    looks_up = isinstance(declared, ReferenceRules) and declared.reference
    if looks_up and LISTS[column] not in shop.sources():
        yield RuleProblem(
            f"{key}.reference",
            f"the shop declares no {LISTS[column]} to look a {column} up in",
            f"declare {LISTS[column]}, or leave this out",
        )
    yield from _of_missing(key, entity, column, declared, rules)
    if declared.stop_above:
        kinds = {
            rule.kind for rule in rules.values() if (rule.entity, rule.column) == (entity, column)
        }
        for kind in declared.stop_above.by_kind:
            if kind not in kinds:
                yield RuleProblem(
                    f"{key}.stop_above",
                    f"{entity}.{column} has no rule of the kind {kind} to stop for",
                    f"its kinds are {', '.join(sorted(kinds))}",
                )


def _of_missing(
    key: str, entity: str, column: str, declared: ColumnRules, rules: dict[str, Rule]
) -> Iterator[RuleProblem]:
    missing = getattr(declared, "missing", None)
    if missing is None:
        return
    fill = getattr(missing, "fill", None)
    if fill is None and (entity, column) in DEFAULT_FILLS:
        yield RuleProblem(
            f"{key}.missing",
            f"{entity}.{column} is needed by what comes after, and cannot stay empty",
            "say {fill: <value>}, or required: true",
        )
    allowed = rules.get(f"{entity}.{column}.range")
    if isinstance(fill, float | int) and allowed and allowed.bounds:
        low, high = allowed.bounds.low, allowed.bounds.high
        number = Decimal(str(fill))
        too_low = low is not None and (
            number <= Decimal(low) if allowed.bounds.low_open else number < Decimal(low)
        )
        too_high = high is not None and high.replace(".", "").isdigit() and number > Decimal(high)
        if too_low or too_high:
            yield RuleProblem(
                f"{key}.missing",
                f"the fill {fill:g} breaks the rule that {allowed.words}",
                "fill in a value that would be accepted",
            )


def _ends(declared: NumberRange) -> tuple[float | None, float | None]:
    low = declared.at_least if declared.above is None else declared.above
    high = declared.at_most if declared.below is None else declared.below
    return low, high
