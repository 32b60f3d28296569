"""The rules of a shop: the defaults, what its file declares over them, and each in plain words.

With rule_defaults, this is the one place where a rule is written. `recomart ingest` and `recomart transform` put the
rules into raw._shop, dbt makes its SQL from those rows, and the report reads their words.

Hard rules (required, type, range, one_of, reference, time) quarantine the row. Soft ones (usual,
rare) flag a value and keep it. unique says what becomes of repeated keys, missing what becomes of
an optional value that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from recomart.rules.declarations import (
    ColumnRules,
    NumberRules,
    ReferenceRules,
    TextRules,
    TimeRules,
)
from recomart.rules.defaults import (
    AHEAD_OF_RECEIPT,
    BOUND_TO_THE_SHOP,
    DEFAULT_FILLS,
    DEFAULT_RANGES,
    DEFAULT_SETS,
    EARLIEST,
    NO_TYPE_RULE,
    NOT_LATER_THAN_LOAD,
    STOP_ABOVE,
    STOP_FROM,
    Bounds,
)
from recomart.rules.values import NumberRange, TimeRange
from recomart.rules.words import words_of
from recomart.shop.entities import ENTITIES, LISTS, REQUIRED, TYPES, DataType, is_reference
from recomart.shop.model import Shop

Kind = Literal[
    "required",
    "type",
    "range",
    "one_of",
    "reference",
    "time",
    "unique",
    "missing",
    "usual",
    "rare",
]
Outcome = Literal["quarantined", "flagged", "deduplicated", "superseded", "filled", "kept"]


@dataclass(frozen=True)
class Rule:
    """One rule. `code` is what reject_reasons and dq_flags name it by; `words` are for people."""

    rule_id: str
    entity: str
    column: str | None
    kind: Kind
    outcome: Outcome
    code: str
    words: str = ""
    because: str | None = None
    stop_above: float | None = None
    data_type: DataType | None = None
    bounds: Bounds | None = None
    values: tuple[str, ...] = ()
    fill: str | None = None
    iqr: float | None = None
    rare_below: int | None = None
    tolerance: int | None = None
    """Seconds that a time may be ahead of when its record was received."""
    names: str | None = None
    """The entity whose list a reference names."""
    in_use: bool = True
    """False where the shop does not map the column: the rule holds, and there is nothing to say."""

    def to_json(self, place: int) -> str:
        """The rule as a row of raw._shop holds it; the codes of a row stand in order of place."""
        fields = asdict(self)
        fields = {"column_name": fields.pop("column"), "place": place, **fields}
        return json.dumps(fields, ensure_ascii=False)


def rules_of(shop: Shop) -> tuple[Rule, ...]:
    """The rules that have something to say in this shop: of the columns that it maps."""
    return tuple(rule for rule in every_rule(shop) if rule.in_use)


def every_rule(shop: Shop) -> tuple[Rule, ...]:
    """All rules, also of entities that the shop does not declare (any more): dbt checks them all."""
    return tuple(rule for entity in ENTITIES for rule in _of_entity(entity, shop))


def stop_of(entity: str, shop: Shop) -> tuple[float, int]:
    """The share of quarantined records of an entity above which to stop, and from how many on."""
    declared = shop.rules.of(entity).stop_above
    return (STOP_ABOVE, STOP_FROM) if declared is None else (declared, 1)


def _of_entity(entity: str, shop: Shop) -> Iterator[Rule]:
    source = shop.sources().get(entity)
    mapped = source.columns if source else {}
    rules = [*_hard(entity, shop), *_references(entity, shop), *_unique(entity)]
    rules += _soft(entity, shop)
    for rule in rules:
        declared = shop.rules.of(entity).of(rule.column) if rule.column else None
        finished = replace(
            rule,
            because=declared.because if declared and _declares(declared, rule.kind) else None,
            stop_above=_stop_above(declared, rule),
            in_use=bool(mapped) and (rule.column is None or rule.column in mapped),
        )
        yield replace(finished, words=words_of(finished))


def _stop_above(declared: ColumnRules | None, rule: Rule) -> float | None:
    if declared is None or declared.stop_above is None:
        return None
    return declared.stop_above.of(rule.kind, quarantines=rule.outcome == "quarantined")


def _declares(declared: ColumnRules, kind: Kind) -> bool:
    """Whether the shop file itself names this kind of rule, so that its `because` is about it."""
    return getattr(declared, "rare_below" if kind == "rare" else kind, None) is not None


def _rule(entity: str, column: str, kind: Kind, outcome: Outcome, code: str, **given: Any) -> Rule:
    name = given.pop("name", kind)
    data_type = TYPES[entity][column]
    rule_id = f"{entity}.{column}.{name}"
    return Rule(rule_id, entity, column, kind, outcome, code, data_type=data_type, **given)


def _hard(entity: str, shop: Shop) -> Iterator[Rule]:
    for column, data_type in TYPES[entity].items():
        declared = shop.rules.of(entity).of(column)
        if is_required(entity, column, shop):
            yield _rule(entity, column, "required", "quarantined", f"missing_{column}")
        if data_type != "text" and (entity, column) not in NO_TYPE_RULE:
            yield _rule(entity, column, "type", "quarantined", f"invalid_{column}")
        if bounds := _range(entity, column, declared, shop):
            code = f"out_of_range_{column}"
            yield _rule(entity, column, "range", "quarantined", code, bounds=bounds)
        if values := _set(entity, column, declared):
            yield _rule(entity, column, "one_of", "quarantined", f"unknown_{column}", values=values)
        yield from _times(entity, column, shop)


def is_required(entity: str, column: str, shop: Shop) -> bool:
    """Whether a record without this column's value is quarantined."""
    declared = shop.rules.of(entity).of(column)
    return column in REQUIRED[entity] or bool(declared and declared.required)


def _range(entity: str, column: str, declared: ColumnRules | None, shop: Shop) -> Bounds | None:
    if isinstance(declared, NumberRules | TimeRules) and declared.range:
        return _bounds(declared.range)
    if (entity, column) == ("ratings", "rating"):
        low, high = shop.rating_scale
        return Bounds(_number(low), _number(high))
    return DEFAULT_RANGES.get((entity, column))


def _bounds(declared: NumberRange | TimeRange) -> Bounds:
    if isinstance(declared, TimeRange):
        first, last = declared.at_least, declared.at_most
        return Bounds(_time(first) if first else None, _time(last) if last else None)
    low = declared.at_least if declared.above is None else declared.above
    high = declared.at_most if declared.below is None else declared.below
    return Bounds(
        None if low is None else _number(low),
        None if high is None else _number(high),
        low_open=declared.above is not None,
        high_open=declared.below is not None,
    )


def _set(entity: str, column: str, declared: ColumnRules | None) -> tuple[str, ...]:
    if isinstance(declared, TextRules) and declared.one_of:
        return declared.one_of
    return DEFAULT_SETS.get((entity, column), ())


def _times(entity: str, column: str, shop: Shop) -> Iterator[Rule]:
    def rule(name: str, bounds: Bounds | None = None, tolerance: int | None = None) -> Rule:
        return _rule(
            entity, column, "time", "quarantined", f"{name}_{column}",
            name=name, bounds=bounds, tolerance=tolerance,
        )  # fmt: skip

    if NOT_LATER_THAN_LOAD.get(entity) == column:
        yield rule("future", tolerance=AHEAD_OF_RECEIPT.get(entity))
    if BOUND_TO_THE_SHOP.get(entity) == column:
        opened = shop.opened_at or EARLIEST
        yield rule("before_opening", Bounds(low=_time(opened)))
        if shop.closed_at:
            yield rule("after_closing", Bounds(high=_time(shop.closed_at)))


def _references(entity: str, shop: Shop) -> Iterator[Rule]:
    for column in ENTITIES[entity]:
        if not is_reference(entity, column) or LISTS[column] not in shop.sources():
            continue
        declared = shop.rules.of(entity).of(column)
        told = declared.reference if isinstance(declared, ReferenceRules) else None
        outcome: Outcome = "kept" if (told or shop.unknown_references) == "keep" else "quarantined"
        code = f"unknown_{column.removesuffix('_id')}"
        yield _rule(entity, column, "reference", outcome, code, names=LISTS[column])


def _unique(entity: str) -> Iterator[Rule]:
    yield Rule(f"{entity}.copies", entity, None, "unique", "deduplicated", "deduplicated")
    yield Rule(f"{entity}.versions", entity, None, "unique", "superseded", "superseded")


def _soft(entity: str, shop: Shop) -> Iterator[Rule]:
    for column in ENTITIES[entity]:
        declared = shop.rules.of(entity).of(column)
        if not is_required(entity, column, shop):
            fill = _fill(entity, column, declared)
            outcome: Outcome = "kept" if fill is None else "filled"
            yield _rule(entity, column, "missing", outcome, f"missing_{column}", fill=fill)
        if isinstance(declared, NumberRules) and declared.usual:
            between = declared.usual.between
            yield _rule(
                entity, column, "usual", "flagged", f"unusual_{column}",
                iqr=declared.usual.iqr, bounds=_bounds(between) if between else None,
            )  # fmt: skip
        if isinstance(declared, TextRules) and declared.rare_below:
            code = f"rare_{column}"
            yield _rule(entity, column, "rare", "flagged", code, rare_below=declared.rare_below)


def _fill(entity: str, column: str, declared: ColumnRules | None) -> str | None:
    missing = getattr(declared, "missing", None)
    if missing is None:
        return DEFAULT_FILLS.get((entity, column))
    fill = getattr(missing, "fill", None)
    if isinstance(fill, bool):
        return str(fill).lower()
    return _number(fill) if isinstance(fill, float | int) else fill


def _number(value: float) -> str:
    """15 digits at most, and no exponent: 1 and 0.1 stay what they are in the file."""
    return f"{Decimal(f'{value:.15g}'):f}"


def _time(moment: datetime) -> str:
    utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000")
